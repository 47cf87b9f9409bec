import type { BootMode } from './domain.js';
import {
  biosBootMib,
  configDriveMib,
  defaultEspSizeMib,
  type Divided,
  type LayoutPartition,
  layoutRoot,
  nameOf,
  partitionsMib,
  partitionsOf,
  raidHeadMib,
} from './disk-layout.js';

export type PlannedUse = 'bios_boot' | 'esp' | 'config_drive' | LayoutPartition['use'];

/** Nothing is left to be understood: what the installer is to make, under which name. */
export interface PlannedVolume {
  name: string;
  use: PlannedUse;
  /** Without what a mirror needs in front of it. Null: the rest. */
  sizeMib: number | null;
  fileSystem: string | null;
  mountPoint: string | null;
  encrypted: boolean;
}

export interface PlannedPartition extends PlannedVolume {
  number: number;
  /** On the disk; null: the rest. */
  partitionMib: number | null;
  /** The mirror of it and its like on the other disk: `/dev/md0` and so on. */
  mirrored: boolean;
  volumes: PlannedVolume[];
}

export interface DiskPlan {
  disks: 1 | 2;
  /** What each disk must have at least. */
  neededMib: number;
  partitions: PlannedPartition[];
}

/** What is to go to root: it tells the type that root has, and when root takes the rest, how much that is at least. */
interface Content {
  bootMode: BootMode;
  /** Of an image that is a file system. */
  fileSystem: string | null;
  imageMib: number;
}

/** What a machine of the type is divided into for an image. */
export function diskPlan(type: Divided, content: Content): DiskPlan {
  const raid1 = type.diskLayout?.raid1 === true;
  const all = partitionsOf(type);
  const root = layoutRoot(type);
  const rootType = content.fileSystem ?? root?.fileSystem ?? 'ext4';
  const partitions = all.flatMap((partition, index) =>
    partition === null ? [] : [planned(partition, { number: index + 2, raid1, rootType })],
  );
  return {
    disks: raid1 ? 2 : 1,
    neededMib: partitionsMib(type) + (root?.sizeMib === 'rest' ? content.imageMib : 0),
    partitions: [bootPartition(type, content.bootMode), ...partitions, configDrivePartition(all.length + 2)],
  };
}

/** An image that is a disk brings its own partitions; the one of the config drive comes behind them. */
export function wholeDiskPlan(imageMib: number): DiskPlan {
  return { disks: 1, neededMib: imageMib + configDriveMib, partitions: [] };
}

/** What the firmware starts from; each disk of a mirror has its own, since a firmware that writes knows no mirrors. */
function bootPartition({ diskLayout }: Divided, bootMode: BootMode): PlannedPartition {
  const own = { number: 1, mountPoint: null, encrypted: false, mirrored: false, volumes: [] };
  if (bootMode === 'bios')
    return {
      ...own,
      name: 'bios-boot',
      use: 'bios_boot',
      sizeMib: biosBootMib,
      partitionMib: biosBootMib,
      fileSystem: null,
    };
  const sizeMib = diskLayout?.espSizeMib ?? defaultEspSizeMib;
  return { ...own, name: 'esp', use: 'esp', sizeMib, partitionMib: sizeMib, fileSystem: 'vfat' };
}

/** On each disk of a mirror one of its own: what looks for it knows no mirrors. */
function configDrivePartition(number: number): PlannedPartition {
  const own = { number, mountPoint: null, encrypted: false, mirrored: false, volumes: [], fileSystem: null };
  return {
    ...own,
    name: 'config-2',
    use: 'config_drive',
    sizeMib: configDriveMib,
    partitionMib: configDriveMib,
  };
}

interface Place {
  number: number;
  raid1: boolean;
  rootType: string;
}

function planned(partition: LayoutPartition, { number, raid1, rootType }: Place): PlannedPartition {
  const own = plannedVolume(partition, rootType);
  return {
    ...own,
    number,
    partitionMib: own.sizeMib === null ? null : own.sizeMib + (raid1 ? raidHeadMib : 0),
    mirrored: raid1,
    volumes:
      partition.use === 'lvm' ? partition.volumes.map((volume) => plannedVolume(volume, rootType)) : [],
  };
}

function plannedVolume(volume: LayoutPartition, rootType: string): PlannedVolume {
  const data = volume.use === 'data' ? volume : undefined;
  return {
    name: nameOf(volume),
    use: volume.use,
    sizeMib: volume.sizeMib === 'rest' ? null : volume.sizeMib,
    fileSystem: fileSystemOf(volume, rootType),
    mountPoint: data?.mountPoint ?? null,
    encrypted: data?.encrypted === true,
  };
}

/** An old OS can read what its own root is; kernel dumps and what has no choice are ext4. */
function fileSystemOf(volume: LayoutPartition, rootType: string): string | null {
  const likeRoot = /^ext[234]$/.test(rootType) ? rootType : 'ext4';
  switch (volume.use) {
    case 'root':
      return rootType;
    case 'data':
      return volume.fileSystem ?? likeRoot;
    case 'kdump':
      return 'ext4';
    case 'swap':
    case 'lvm':
      return null;
  }
}
