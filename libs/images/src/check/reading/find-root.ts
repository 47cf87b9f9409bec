import { recognise } from '../../image-kinds.js';
import { bytesToRecognise } from '../../kinds/kind.js';
import type { GrubFstest } from './grub-fstest.js';
import type { DiskPartition, DiskTable } from './partition-table.js';

/** A file system in an image. */
export interface Volume {
  /** As GRUB calls it. */
  device: string;
  /** null: it is no partition of its own, but in a logical volume or an array, or is the whole image. */
  partition: DiskPartition | null;
  fileSystem: string;
}

/** A volume that an operating system is in, and the subvolume of it (`/@`; Btrfs alone has them). */
export interface Root {
  volume: Volume;
  top: string;
}

const readable = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs']);

/** Where distributions put the root into Btrfs when it is not what a mount shows by itself. */
const btrfsTops = ['', '/@', '/root', '/@rootfs'];

/** Every file system of a disk that can be read from outside, those in logical volumes and arrays included. */
export async function volumesOf(reader: GrubFstest, { type, partitions }: DiskTable): Promise<Volume[]> {
  const word = type === 'gpt' ? 'gpt' : 'msdos';
  const volumes: Volume[] = partitions.flatMap((partition) =>
    partition.fileSystem !== null && readable.has(partition.fileSystem)
      ? [{ device: `(loop0,${word}${partition.number})`, partition, fileSystem: partition.fileSystem }]
      : [],
  );
  for (const device of (await reader.devices()).filter((each) => /^\((lvm|md)\//.test(each))) {
    const { type } = recognise((await reader.read(device, null, bytesToRecognise)) ?? Buffer.alloc(0));
    if (readable.has(type)) volumes.push({ device, partition: null, fileSystem: type });
  }
  return volumes;
}

/** Every volume with an operating system in it: with the directories of one, and its name if any of them has that. */
export async function rootsAmong(reader: GrubFstest, volumes: Volume[]): Promise<Root[]> {
  const found: (Root & { isNamed: boolean })[] = [];
  for (const volume of volumes) {
    for (const top of volume.fileSystem === 'btrfs' ? btrfsTops : ['']) {
      const names = new Set(await reader.list(volume.device, `${top}/`));
      if (!names.has('etc') || !names.has('usr')) continue;
      const [etc, lib] = [
        await reader.list(volume.device, `${top}/etc`),
        await reader.list(volume.device, `${top}/usr/lib`),
      ];
      found.push({ volume, top, isNamed: [...etc, ...lib].includes('os-release') });
    }
  }
  const named = found.filter(({ isNamed }) => isNamed);
  return named.length > 0 ? named : found;
}
