import { byMagic, type Finding, type Head, type KnownKind, shown } from './kind.js';
import {
  asFileSystem,
  asIso,
  refusedFileSystem,
  refusedForeign,
  refusedLuks,
  refusedLvm,
  refusedSeveralDevices,
  refusedSquashfs,
  refusedSwap,
} from './remedies.js';

/** Linux, fs/xfs/libxfs/xfs_format.h, struct xfs_dsb; big-endian. */
function readXfs(head: Head): Finding | undefined {
  if (!head.has('XFSB')) return undefined;
  return { type: 'xfs', called: 'an XFS file system', sizeBytes: head.u32be(4) * head.u64be(8) };
}

/** Linux, include/uapi/linux/btrfs_tree.h, struct btrfs_super_block, 64 KiB into it. */
function readBtrfs(head: Head): Finding | undefined {
  const superblock = 0x10000;
  if (!head.has('_BHRfS_M', superblock + 0x40)) return undefined;
  const devices = head.u64le(superblock + 0x88);
  const found = { type: 'btrfs', called: 'a Btrfs file system', sizeBytes: head.u64le(superblock + 0x70) };
  if (devices <= 1) return found;
  return {
    type: 'btrfs',
    called: `one of the ${devices} devices of a Btrfs file system`,
    use: refusedSeveralDevices,
  };
}

/** Linux, fs/squashfs/squashfs_fs.h, struct squashfs_super_block. */
function readSquashfs(head: Head): Finding | undefined {
  if (!head.has('hsqs')) return undefined;
  return { type: 'squashfs', called: 'a squashfs file system', sizeBytes: head.u64le(40) };
}

/** ECMA-119, 8.4: the primary volume descriptor, of type 1, in the sixteenth sector of 2048 bytes or one that follows. */
function readIso(head: Head): Finding | undefined {
  const descriptor = 16 * 2048;
  if (!head.has('CD001', descriptor + 1)) return undefined;
  const called = `an ISO 9660 image ("${shown(head.text(descriptor + 40, 32))}")`;
  return { type: 'iso9660', called, sizeBytes: head.u32le(descriptor + 80) * head.u16le(descriptor + 128) };
}

/** LUKS1 On-Disk Format Specification 1.2.3, 3.1; LUKS2 On-Disk Format Specification, 2.1. */
function readLuks(head: Head): Finding | undefined {
  if (!head.has('LUKS\xba\xbe')) return undefined;
  return { type: 'luks', called: `an encrypted volume (LUKS${head.u16be(6)})` };
}

/** LVM2, lib/label/label.h: the label is in one of the first four sectors. */
function readLvm(head: Head): Finding | undefined {
  const isLabel = (sector: number) =>
    head.has('LABELONE', sector * 512) && head.has('LVM2 001', sector * 512 + 24);
  if (![0, 1, 2, 3].some(isLabel)) return undefined;
  return { type: 'lvm', called: 'a physical volume of LVM' };
}

/** Linux, include/linux/swap.h, union swap_header: the mark ends the first page, of whatever size pages are there. */
function readSwap(head: Head): Finding | undefined {
  const pages = [4096, 8192, 16_384, 65_536];
  const isMark = (page: number) => head.has('SWAPSPACE2', page - 10) || head.has('SWAP-SPACE', page - 10);
  return pages.some(isMark) ? { type: 'swap', called: 'swap space' } : undefined;
}

/** Microsoft, FAT32 File System Specification 1.03; exFAT file system specification, 3.1; NTFS writes its name there too. */
function readForeign(head: Head): Finding | undefined {
  const names = [
    ['fat', 'FAT', 'FAT32   ', 82],
    ['fat', 'FAT', 'FAT16   ', 54],
    ['fat', 'FAT', 'FAT12   ', 54],
    ['ntfs', 'NTFS', 'NTFS    ', 3],
    ['exfat', 'exFAT', 'EXFAT   ', 3],
  ] as const;
  const found = names.find(([, , mark, at]) => head.has(mark, at));
  if (!found || head.u16le(510) !== 0xaa55) return undefined;
  const [type, name] = found;
  return { type, called: `a file system of another kind of computer (${name})` };
}

export const isoKind: KnownKind = { use: asIso, read: readIso };
export const foreignKind: KnownKind = { use: refusedForeign, read: readForeign };

/** Marks that are near the beginning. */
export const fileSystemKinds: readonly KnownKind[] = [
  { use: asFileSystem, read: readXfs },
  { use: refusedSquashfs, read: readSquashfs },
  { use: refusedLuks, read: readLuks },
];

/** Marks so far in that what was there before may be left: any file system that is younger goes before. */
export const deepKinds: readonly KnownKind[] = [
  { use: asFileSystem, read: readBtrfs },
  { use: refusedLvm, read: readLvm },
  { use: refusedSwap, read: readSwap },
  // Linux, include/linux/f2fs_fs.h, F2FS_SUPER_MAGIC
  byMagic({ type: 'f2fs', called: 'an F2FS file system' }, '\x10\x20\xf5\xf2', refusedFileSystem, 1024),
];
