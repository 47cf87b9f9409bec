import type { Use } from './kind.js';

const refused = (remedy: string): Use => ({ as: 'refused', remedy });

const takeOut =
  'take its root file system out of it (losetup --find --show --partscan disk.raw, then dd if=/dev/loop0p1 ' +
  'of=root.ext4, with the partition that has it) and send that: it must be ext4, ext3 or ext2.';
const makeExt4 = 'mke2fs -t ext4 -d root root.ext4 4G, as root, and with the size that you need';

export const asFileSystem: Use = { as: 'file system' };

export const refusedDisk = refused(`Whole disks cannot be installed yet: ${takeOut}`);

export const refusedDiskImage = refused(
  `Whole disks cannot be installed yet: turn it into a plain one (qemu-img convert -O raw FILE disk.raw), ${takeOut}`,
);

export const refusedFileSystem = refused(
  'Only ext4, ext3 and ext2 can be installed yet: mount it at root and make an ext4 image with the same files ' +
    `(${makeExt4}).`,
);

export const refusedArchive = refused(
  'Archives of files cannot be installed yet: unpack it as root, with owners and extended attributes, into a folder ' +
    `root and make an ext4 image of that (${makeExt4}).`,
);

export const refusedSquashfs = refused(
  'Only ext4, ext3 and ext2 can be installed yet: unpack it (unsquashfs -d root FILE) and make an ext4 image of that ' +
    `(${makeExt4}).`,
);

export const refusedMedium = refused(
  'A live or installation medium is not an installed system and cannot be installed: send the root file system of ' +
    'one that was installed from it, as an ext4 image.',
);

export const refusedForeign = refused(
  'Only Linux root file systems can be installed, as ext4, ext3 or ext2: was the right partition copied?',
);

export const refusedLuks = refused(
  'Open it (cryptsetup open FILE plain) and send the ext4 file system that is in it, from /dev/mapper/plain.',
);

export const refusedLvm = refused(
  'Send the ext4 file system of the logical volume that has the root (dd if=/dev/GROUP/VOLUME of=root.ext4).',
);

export const refusedSwap = refused(
  'Was the wrong partition copied? Send the one that has the root file system; a swap partition is made anew.',
);

export const refusedJournal = refused('Send the ext4 file system itself, with its journal inside.');

export const refusedPacking = refused(
  'Unpack it, and send what is in it: as it is, or compressed once with zstd, gzip, xz or bzip2.',
);

export const refusedUnknown = refused(
  'Send the root file system of a Linux as an ext4 (ext3, ext2) image: as it is, or compressed once with zstd, gzip, xz ' +
    'or bzip2.',
);

export const refusedEmpty = refused('Look at how it was made or downloaded: nothing was written to it.');

export const refusedText = refused(
  'Look at it: an error page may have been saved in place of the image. Download it again, and compare it with the ' +
    'digest that was published for it.',
);
