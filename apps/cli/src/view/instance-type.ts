import type { InstanceTypeView } from '#contract';
import { layoutLines } from './disk-layout.js';
import type { Palette } from './palette.js';
import { localTime, mebibytes } from './quantities.js';
import { columns, facts } from './table.js';

const ephemeral = ({ ephemeralSizeMib }: InstanceTypeView) =>
  ephemeralSizeMib === 0 ? 'rest of the disk' : mebibytes(ephemeralSizeMib);

/** Names of images by their ids. */
type ImageNames = ReadonlyMap<string, string>;

/** `4 of debian-12, reinstall`: what is kept waiting, and what becomes of a machine that was given back. */
function poolText({ defaultImageId, poolSize, afterDestroy }: InstanceTypeView, images: ImageNames): string {
  if (defaultImageId === null) return '-';
  const kept = `${poolSize} of ${images.get(defaultImageId) ?? defaultImageId}`;
  return afterDestroy === 'none' ? kept : `${kept}, ${afterDestroy}`;
}

function sizes(type: InstanceTypeView): string[] {
  if (type.diskLayout !== null) return ['own layout', '-', '-', '-'];
  return [
    mebibytes(type.rootSizeMib),
    mebibytes(type.swapSizeMib),
    mebibytes(type.kdumpSizeMib),
    ephemeral(type),
  ];
}

/** The five partitions, or what there is instead. */
function division(type: InstanceTypeView): [string, string][] {
  if (type.diskLayout !== null) return layoutLines(type.diskLayout);
  const [root = '', swap = '', kdump = '', ephemeral = ''] = sizes(type);
  return [
    ['Root partition', root],
    ['Swap partition', swap],
    ['Kernel dumps', kdump],
    ['Ephemeral', ephemeral],
  ];
}

export function instanceTypeTable(types: InstanceTypeView[], images: ImageNames, palette: Palette): string {
  if (types.length === 0) return 'No instance types. Make one with: dodai instance-types add --help\n';
  return columns(
    ['NAME', 'CPUS', 'MEMORY', 'DISK', 'ROOT', 'SWAP', 'KDUMP', 'EPHEMERAL', 'WIPE', 'POOL'].map((heading) =>
      palette.paint('strong', heading),
    ),
    types.map((type) => [
      type.name,
      String(type.vcpus),
      mebibytes(type.memoryMb),
      `${type.localGb} GB`,
      ...sizes(type),
      type.wipeMode,
      poolText(type, images),
    ]),
  );
}

export function instanceTypeDetails(type: InstanceTypeView, images: ImageNames, palette: Palette): string {
  const { defaultImageId, poolSize, afterDestroy } = type;
  return facts([
    ['Name', palette.paint('strong', type.name)],
    ['CPUs', type.vcpus],
    ['Memory', mebibytes(type.memoryMb)],
    ['Disk', type.localGb === 0 ? 'none' : `${type.localGb} GB`],
    ...division(type),
    ['Kernel arguments', type.kernelArguments],
    ['Not installed by', type.forbiddenMethods.join(', ') || null],
    ['Wiped by', type.wipeMode],
    ['Default image', defaultImageId === null ? 'none' : (images.get(defaultImageId) ?? defaultImageId)],
    ['Kept in the pool', poolSize],
    ['After destroy', afterDestroy],
    ['Made', localTime(type.createdAt)],
  ]);
}
