import type { Use } from './kind.js';

const refused = (remedy: string): Use => ({ as: 'refused', remedy });

const kinds = 'ext4, ext3, ext2, XFS and Btrfs';
const makeExt4 = 'mke2fs -t ext4 -d root root.ext4 4G, as root, and with the size that you need';
const makeTar = 'tar --numeric-owner --xattrs -C root -czf root.tar.gz ., as root';

export const asFileSystem: Use = { as: 'file_system' };
export const asDisk: Use = { as: 'disk' };
export const asTarball: Use = { as: 'tarball' };
export const asIso: Use = { as: 'iso' };

/** Formats of disk images by the names that qemu-img has for them. */
export const asContainer = (driver: string): Use => ({ as: 'container', driver });

const inOneFile =
  'Put all of it into one file where the others are (qemu-img convert -O qcow2 FILE whole.qcow2), and send that.';

export const refusedNotAlone = refused(inOneFile);

export const refusedEncryptedDisk = refused(
  'Send it without encryption: qemu-img convert can write a plain one when it is given the key.',
);

export const refusedOldDiskImage = refused(
  'Send it in a format of today: qemu-img convert -O qcow2 FILE disk.qcow2.',
);

export const refusedDisk = refused(
  'Send a whole disk with its partition table, or the root file system from it (dd if=/dev/sda1 of=root.ext4).',
);

export const refusedFileSystem = refused(
  `Only ${kinds} can be installed: mount it at root and make an ext4 image with the same files (${makeExt4}), or a ` +
    `tarball of them (${makeTar}).`,
);

export const refusedSeveralDevices = refused(
  'Make it one of a single device (btrfs device remove), and send that.',
);

export const refusedArchive = refused(
  `Unpack it as root, with owners and extended attributes, into a folder root and make a tarball of that (${makeTar}).`,
);

export const refusedSquashfs = refused(
  `Only ${kinds} can be installed: unpack it (unsquashfs -d root FILE) and make a tarball of that (${makeTar}).`,
);

export const refusedForeign = refused(
  `Only Linux root file systems can be installed, as ${kinds}: was the right partition copied?`,
);

export const refusedLuks = refused(
  'Open it (cryptsetup open FILE plain) and send the file system that is in it, from /dev/mapper/plain.',
);

export const refusedLvm = refused(
  'Send the whole disk that it is on, or the file system of the logical volume that has the root (dd ' +
    'if=/dev/GROUP/VOLUME of=root.ext4).',
);

export const refusedSwap = refused(
  'Was the wrong partition copied? Send the one that has the root file system; a swap partition is made anew.',
);

export const refusedJournal = refused('Send the ext4 file system itself, with its journal inside.');

export const refusedPacking = refused(
  'Unpack it, and send what is in it: as it is, or compressed once with zstd, gzip, xz or bzip2.',
);

export const refusedUnknown = refused(
  `Send a whole disk (raw, qcow2, VMDK, VHD, VHDX, VDI), a root file system (${kinds}) or a tarball of one: as it is, or ` +
    'compressed once with zstd, gzip, xz or bzip2.',
);

export const refusedEmpty = refused('Look at how it was made or downloaded: nothing was written to it.');

export const refusedText = refused(
  'Look at it: an error page may have been saved in place of the image. Download it again, and compare it with the ' +
    'digest that was published for it.',
);
