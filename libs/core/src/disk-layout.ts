/** What a root file system may be; data volumes lack btrfs, whose subvolumes are its own kind of layout. */
export const rootFileSystems = ['ext3', 'ext4', 'xfs', 'btrfs'] as const;
export const dataFileSystems = ['ext3', 'ext4', 'xfs'] as const;
export type RootFileSystem = (typeof rootFileSystems)[number];
export type DataFileSystem = (typeof dataFileSystems)[number];

/** In MiB; `rest`: what the others leave, so it can only be the last of a list. */
export type LayoutSize = number | 'rest';

interface Sized {
  sizeMib: LayoutSize;
  /** Of the partition, array, logical volume and file system; by default its use, or its mount point with dashes. */
  name?: string;
}

/** Where the OS goes. A file-system image brings its own type; a tarball gets this one, or ext4. */
export type RootVolume = Sized & { use: 'root'; fileSystem?: RootFileSystem };
export type SwapVolume = Sized & { use: 'swap' };
/** For dumps of a kernel that broke down: ext4, not mounted. */
export type KdumpVolume = Sized & { use: 'kdump' };
export type DataVolume = Sized & {
  use: 'data';
  mountPoint: string;
  /** By default that of root where that is ext3 or ext4, else ext4. */
  fileSystem?: DataFileSystem;
  /** LUKS2, with a key that is made on the machine and kept on its root file system. */
  encrypted?: boolean;
};
export type LayoutVolume = RootVolume | SwapVolume | KdumpVolume | DataVolume;
/** A volume group, whose name is `system` unless said otherwise. */
export type VolumeGroup = Sized & { use: 'lvm'; volumes: LayoutVolume[] };
export type LayoutPartition = LayoutVolume | VolumeGroup;

/**
 * How the disk of a machine is divided when it is installed. The table is GPT; what the firmware starts from (a BIOS boot
 * partition, or an EFI system partition) is not written down: it comes first, as the machine's boot mode has it.
 */
export interface DiskLayout {
  /** Everything on two disks, and the machine starts from either. */
  raid1?: boolean;
  /** Of the EFI system partition. */
  espSizeMib?: number;
  partitions: LayoutPartition[];
}

/** What an instance type says about disks: sizes of dodai's five partitions in MiB, or a layout of its own. */
export interface Divided {
  rootSizeMib: number;
  /** 0: none. */
  swapSizeMib: number;
  /** 0: none. */
  kdumpSizeMib: number;
  /** 0: the rest of the disk. */
  ephemeralSizeMib: number;
  /** null: the five partitions. */
  diskLayout: DiskLayout | null;
}

const biosBootMib = 5;
export const defaultEspSizeMib = 512;
/** The partition tables at both ends, with alignment. */
const tablesMib = 2;
/** The partition at the very end that the config drive is written to; OSs look for it by its label. */
export const configDriveMib = 64;
/** Metadata of a mirror, in front of its data. */
export const raidHeadMib = 4;
export const extentMib = 4;
/** Metadata of a physical volume, and what is lost to whole extents. */
const volumeGroupHeadMib = 2 * extentMib;
/** The least that is made; mkfs.xfs refuses less than 300 MiB. */
export const leastMib = 64;
export const leastXfsMib = 320;

/** The name of a volume that was given none. */
export function nameOf(volume: LayoutPartition): string {
  if (volume.name !== undefined) return volume.name;
  if (volume.use === 'lvm') return 'system';
  if (volume.use !== 'data') return volume.use;
  return volume.mountPoint
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('-')
    .slice(0, 32);
}

/** dodai's partitions 2 to 5: root, swap, kdump, ephemeral. Null: left out, but its number stays. */
export function fivePartitions(type: Divided): (LayoutPartition | null)[] {
  const { rootSizeMib, swapSizeMib, kdumpSizeMib, ephemeralSizeMib } = type;
  return [
    { use: 'root', sizeMib: rootSizeMib },
    swapSizeMib === 0 ? null : { use: 'swap', sizeMib: swapSizeMib },
    kdumpSizeMib === 0 ? null : { use: 'kdump', sizeMib: kdumpSizeMib },
    {
      use: 'data',
      name: 'ephemeral',
      mountPoint: '/mnt',
      sizeMib: ephemeralSizeMib === 0 ? 'rest' : ephemeralSizeMib,
    },
  ];
}

/** Partitions in their order on the disk; null: one that is left out. */
export function partitionsOf(type: Divided): (LayoutPartition | null)[] {
  return type.diskLayout?.partitions ?? fivePartitions(type);
}

export function hasFileSystem(volume: LayoutPartition, fileSystem: string): boolean {
  return (volume.use === 'root' || volume.use === 'data') && volume.fileSystem === fileSystem;
}

/** What a partition or logical volume takes at least, in MiB, without what is around it. */
export function leastSizeMib(volume: LayoutPartition): number {
  if (volume.sizeMib !== 'rest') return volume.sizeMib;
  if (volume.use === 'lvm') return volumesMib(volume.volumes) + volumeGroupHeadMib;
  return hasFileSystem(volume, 'xfs') ? leastXfsMib : leastMib;
}

/** Of a volume group: logical volumes have whole extents. */
export function volumesMib(volumes: LayoutVolume[]): number {
  return volumes.reduce((sum, volume) => sum + Math.ceil(leastSizeMib(volume) / extentMib) * extentMib, 0);
}

export function volumeGroupMib(sizeMib: number): number {
  return sizeMib - volumeGroupHeadMib;
}

/** What the partitions of this type take of a disk at least, in MiB, whichever firmware starts it. */
export function partitionsMib(type: Divided): number {
  return bootMib(type) + partitionsOf(type).reduce((sum, partition) => sum + takenMib(type, partition), 0);
}

function bootMib({ diskLayout }: Divided): number {
  return tablesMib + configDriveMib + Math.max(biosBootMib, diskLayout?.espSizeMib ?? defaultEspSizeMib);
}

function takenMib({ diskLayout }: Divided, partition: LayoutPartition | null): number {
  if (partition === null) return 0;
  return leastSizeMib(partition) + (diskLayout?.raid1 === true ? raidHeadMib : 0);
}

export function layoutRoot(type: Divided): RootVolume | undefined {
  return partitionsOf(type)
    .flatMap((partition) => (partition?.use === 'lvm' ? partition.volumes : (partition ?? [])))
    .find((volume) => volume.use === 'root');
}

/** What the root file system can have, in MiB, on a disk of that many GB. */
export function rootMib(type: Divided & { localGb: number }): number {
  const root = layoutRoot(type);
  if (!root) return 0;
  if (root.sizeMib !== 'rest') return root.sizeMib;
  const holds =
    partitionsOf(type).find((partition) => partition?.use === 'lvm' && partition.volumes.includes(root)) ??
    root;
  const free = holds.sizeMib === 'rest' ? diskMib(type.localGb) - partitionsMib(type) : holdsFree(holds);
  return leastSizeMib(root) + Math.max(0, free);
}

/** What a volume group of a fixed size has beyond the least of its volumes. */
function holdsFree(holds: LayoutPartition): number {
  if (holds.use !== 'lvm' || holds.sizeMib === 'rest') return 0;
  return volumeGroupMib(holds.sizeMib) - volumesMib(holds.volumes);
}

/** Disks are sold in powers of ten. */
export function diskMib(localGb: number): number {
  return Math.floor((localGb * 1000 ** 3) / 1024 ** 2);
}

export { biosBootMib };
