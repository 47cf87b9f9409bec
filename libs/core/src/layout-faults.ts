import {
  type DiskLayout,
  hasFileSystem,
  type LayoutPartition,
  type LayoutVolume,
  leastMib,
  leastXfsMib,
  nameOf,
  volumeGroupMib,
  volumesMib,
} from './disk-layout.js';

export interface LayoutFault {
  path: (string | number)[];
  /** What is wrong, and what to do. */
  message: string;
}

interface Placed {
  volume: LayoutPartition;
  path: (string | number)[];
}

/** What lvcreate keeps for itself. */
const reservedName = /^(snapshot|pvmove)/;

/** What a layout says that cannot be, each with the field it is in. Its form, field by field, is taken for right. */
export function layoutFaults(layout: DiskLayout): LayoutFault[] {
  const partitions = placed(layout.partitions, ['partitions']);
  const all = partitions.flatMap(({ volume, path }) => [
    { volume, path },
    ...(volume.use === 'lvm' ? placed(volume.volumes, [...path, 'volumes']) : []),
  ]);
  return [
    ...rootFaults(all),
    ...onlyOne(all, 'kdump', 'kernels dump to one place'),
    ...onlyOne(all, 'lvm', 'put all logical volumes into the first one'),
    ...restFaults(partitions),
    ...all.flatMap(groupFaults),
    ...all.flatMap(sizeFault),
    ...twice(all, 'name', nameOf, 'give one of them another name'),
    ...twice(
      all,
      'mountPoint',
      (volume) => (volume.use === 'data' ? volume.mountPoint : undefined),
      'mount one of them elsewhere',
    ),
  ];
}

function placed(volumes: LayoutPartition[], path: (string | number)[]): Placed[] {
  return volumes.map((volume, index) => ({ volume, path: [...path, index] }));
}

function rootFaults(all: Placed[]): LayoutFault[] {
  if (all.some(({ volume }) => volume.use === 'root')) return onlyOne(all, 'root', 'an OS has one root');
  return [{ path: ['partitions'], message: 'have no root: add one with use "root"' }];
}

function onlyOne(all: Placed[], use: LayoutPartition['use'], why: string): LayoutFault[] {
  return all
    .filter(({ volume }) => volume.use === use)
    .slice(1)
    .map(({ path }) => ({ path: [...path, 'use'], message: `is a second ${use}: ${why}` }));
}

function restFaults(list: Placed[]): LayoutFault[] {
  return list
    .slice(0, -1)
    .filter(({ volume }) => volume.sizeMib === 'rest')
    .map(({ path }) => ({
      path: [...path, 'sizeMib'],
      message: 'takes the rest, and is not the last of its list: give it a size, or move it to the end',
    }));
}

function groupFaults({ volume, path }: Placed): LayoutFault[] {
  if (volume.use !== 'lvm') return [];
  const volumes = placed(volume.volumes, [...path, 'volumes']);
  return [...restFaults(volumes), ...volumes.flatMap(reservedFault), ...overfull(volume.volumes)];

  function overfull(inside: LayoutVolume[]): LayoutFault[] {
    const [has, need] = [volumeGroupMib(Number(volume.sizeMib)), volumesMib(inside)];
    if (volume.sizeMib === 'rest' || need <= has) return [];
    const message = `leaves ${Math.max(0, has)} MiB for logical volumes that need ${need}: enlarge it, or make them smaller`;
    return [{ path: [...path, 'sizeMib'], message }];
  }
}

function reservedFault({ volume, path }: Placed): LayoutFault[] {
  if (!reservedName.test(nameOf(volume))) return [];
  return [
    {
      path: [...path, 'name'],
      message: `would be ${nameOf(volume)}, which LVM keeps for itself: give it another name`,
    },
  ];
}

function sizeFault({ volume, path }: Placed): LayoutFault[] {
  const [least, what] = hasFileSystem(volume, 'xfs') ? [leastXfsMib, 'XFS'] : [leastMib, 'a partition'];
  if (volume.sizeMib === 'rest' || volume.sizeMib >= least) return [];
  return [
    { path: [...path, 'sizeMib'], message: `is ${volume.sizeMib}; ${what} needs ${least} MiB at least` },
  ];
}

function twice(
  all: Placed[],
  field: string,
  valueOf: (volume: LayoutPartition) => string | undefined,
  remedy: string,
): LayoutFault[] {
  return all.flatMap(({ volume, path }, index) => {
    const value = valueOf(volume);
    const first = all.slice(0, index).find((other) => valueOf(other.volume) === value);
    if (value === undefined || !first) return [];
    return [
      { path: [...path, field], message: `is ${value}, as that of ${first.path.join('.')} is: ${remedy}` },
    ];
  });
}
