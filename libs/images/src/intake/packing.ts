import { DomainError } from '#core';

/** How the bytes of an image file are packed. */
export type Packing = 'raw' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** What a packed file begins with, in hexadecimal; the sources are beside the bytes. */
const magics: readonly { packing: Packing; pattern: RegExp }[] = [
  // RFC 8878, 3.1.1; or 3.1.2, a frame to skip, which parallel packers begin with
  { packing: 'zstd', pattern: /^(28b52ffd|5[0-9a-f]2a4d18)/ },
  { packing: 'gzip', pattern: /^1f8b/ }, // RFC 1952, 2.3.1
  { packing: 'xz', pattern: /^fd377a585a00/ }, // The .xz File Format 1.2.1, 2.1.1.1
  // No standard: bzip2's compress.c writes BZh, the level, and the mark of a block, or of the end when there is none.
  { packing: 'bzip2', pattern: /^425a683[1-9](314159265359|177245385090)/ },
];
export const bytesToTellPacking = 10;

/** How the file is packed, by its first bytes; `raw` when it is not, or in a way that is not known here. */
export function packingOf(head: Buffer): Packing {
  const hex = head.toString('hex', 0, bytesToTellPacking);
  return magics.find(({ pattern }) => pattern.test(hex))?.packing ?? 'raw';
}

/** A program that unpacks what it is fed. */
export interface Unpacker {
  program: string;
  args: readonly string[];
}

/**
 * What a packed file can make its unpacker need. gzip's window is 32 KiB and bzip2's blocks are 900 kB by their
 * formats; zstd refuses more than 128 MiB by itself, and `xz -9` makes files that need 65 MiB.
 */
const memoryMib = 256;

export const unpackers: Readonly<Record<'zstd' | 'xz' | 'bzip2', Unpacker>> = {
  zstd: { program: 'zstd', args: ['-d', '-q', '-c'] },
  xz: { program: 'xz', args: ['-d', '-q', '-c', '--format=xz', '-T0', `--memlimit=${memoryMib}MiB`] },
  bzip2: { program: 'bzip2', args: ['-d', '-q', '-c'] },
};

/** The error for a packed file that its program does not accept; `said`: the program's own words. */
export function damaged(said: string): DomainError {
  return new DomainError('image-invalid', `The image cannot be decompressed: ${said || 'no reason given'}.`, {
    remedy:
      'It was damaged or cut short. Test it where it comes from (zstd -t, gzip -t, xz -t, bzip2 -t) and send it again.',
  });
}
