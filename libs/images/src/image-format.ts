import { DomainError } from '#core';
import { packingOf } from './packing.js';
import { readExtSuperblock, type ExtFileSystem } from './ext-superblock.js';

/** Formats that people send by mistake, by the bytes they begin with, so that the answer can name them. */
const knownOthers: readonly { name: string; bytes: string }[] = [
  { name: 'a qcow2 disk image', bytes: 'QFI\xfb' },
  { name: 'a VMDK disk image', bytes: 'KDMV' },
];

function describe(head: Buffer): string {
  if (head.length === 0) return 'it is empty';
  const packing = packingOf(head);
  if (packing !== 'raw') return `it is packed twice: with ${packing} within another packing`;
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
    remedy: 'Send one ext4 (ext3, ext2) file system: as it is, or compressed once with zstd, gzip, xz or bzip2.',
  });
}
