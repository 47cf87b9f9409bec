import { type DiskLayout, type LayoutPartition, nameOf } from '#core';
import { mebibytes } from './quantities.js';

/** `data, rest, xfs at /srv, encrypted` */
function described(volume: LayoutPartition): string {
  const { use, sizeMib } = volume;
  const size = sizeMib === 'rest' ? 'rest' : mebibytes(sizeMib);
  const fileSystem = volume.use === 'root' || volume.use === 'data' ? volume.fileSystem : undefined;
  const place = volume.use === 'data' ? [`at ${volume.mountPoint}`] : [];
  const encrypted = volume.use === 'data' && volume.encrypted === true ? ['encrypted'] : [];
  return [use, size, ...(fileSystem === undefined ? [] : [fileSystem]), ...place, ...encrypted].join(', ');
}

/** A line for each partition, and under a volume group one for each of its volumes. */
export function layoutLines(layout: DiskLayout): [label: string, value: string][] {
  const partitions = layout.partitions.flatMap((partition): [string, string][] => [
    [`Partition ${nameOf(partition)}`, described(partition)],
    ...(partition.use === 'lvm'
      ? partition.volumes.map((volume): [string, string] => [`  volume ${nameOf(volume)}`, described(volume)])
      : []),
  ]);
  const esp: [string, string][] =
    layout.espSizeMib === undefined ? [] : [['EFI system partition', mebibytes(layout.espSizeMib)]];
  return [['Disks', layout.raid1 === true ? 'two, RAID 1' : 'one'], ...esp, ...partitions];
}
