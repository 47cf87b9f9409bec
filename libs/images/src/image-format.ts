import { DomainError } from '#core';
import { readExtSuperblock, type ExtFileSystem } from './ext-superblock.js';

export type Packing = 'raw' | 'gzip' | 'zstd';

const magics: readonly { packing: Packing; bytes: readonly number[] }[] = [
  { packing: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] }, // RFC 8878, 3.1.1
  { packing: 'gzip', bytes: [0x1f, 0x8b] }, // RFC 1952, 2.3.1
];
export const bytesToTellPacking = 4;

/** Formats that people send by mistake, by the bytes they begin with, so that the answer can name them. */
const knownOthers: readonly { name: string; bytes: string }[] = [
  { name: 'a qcow2 disk image', bytes: 'QFI\xfb' },
  { name: 'an xz archive', bytes: '\xfd7zXZ' },
  { name: 'a bzip2 archive', bytes: 'BZh' },
  { name: 'a VMDK disk image', bytes: 'KDMV' },
];

/** How the file is packed, by its first bytes. */
export function packingOf(head: Buffer): Packing {
  const match = magics.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte));
  return match?.packing ?? 'raw';
}

function describe(head: Buffer): string {
  if (head.length === 0) return 'it is empty';
  const other = knownOthers.find(({ bytes }) => head.subarray(0, bytes.length).toString('latin1') === bytes);
  if (other) return `it is ${other.name}`;
  if (head.length > 512 && head.readUInt16LE(510) === 0xaa55)
    return 'it is a whole disk with a partition table';
  return 'it has no ext2, ext3 or ext4 superblock';
}

/** Throws DomainError `image-invalid` for anything but an ext file system. */
export function recogniseFileSystem(head: Buffer): ExtFileSystem {
  const fileSystem = readExtSuperblock(head);
  if (fileSystem) return fileSystem;
  throw new DomainError('image-invalid', `An ext file system was asked for, but ${describe(head)}.`, {
    remedy: 'Send one ext4 (ext3, ext2) file system: as it is, or compressed with zstd or gzip.',
  });
}
