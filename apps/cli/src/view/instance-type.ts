import type { InstanceTypeView } from '#contract';
import type { Palette } from './palette.js';
import { localTime, mebibytes } from './quantities.js';
import { columns, facts } from './table.js';

const ephemeral = ({ ephemeralSizeMib }: InstanceTypeView) =>
  ephemeralSizeMib === 0 ? 'rest of the disk' : mebibytes(ephemeralSizeMib);

export function instanceTypeTable(types: InstanceTypeView[], palette: Palette): string {
  if (types.length === 0) return 'No instance types. Make one with: dodai instance-types add --help\n';
  return columns(
    ['NAME', 'CPUS', 'MEMORY', 'DISK', 'ROOT', 'SWAP', 'KDUMP', 'EPHEMERAL', 'WIPE'].map((heading) =>
      palette.paint('strong', heading),
    ),
    types.map((type) => [
      type.name,
      String(type.vcpus),
      mebibytes(type.memoryMb),
      `${type.localGb} GB`,
      mebibytes(type.rootSizeMib),
      mebibytes(type.swapSizeMib),
      mebibytes(type.kdumpSizeMib),
      ephemeral(type),
      type.wipeMode,
    ]),
  );
}

export function instanceTypeDetails(type: InstanceTypeView, palette: Palette): string {
  return facts([
    ['Name', palette.paint('strong', type.name)],
    ['CPUs', type.vcpus],
    ['Memory', mebibytes(type.memoryMb)],
    ['Disk', `${type.localGb} GB`],
    ['Root partition', mebibytes(type.rootSizeMib)],
    ['Swap partition', mebibytes(type.swapSizeMib)],
    ['Kernel dumps', mebibytes(type.kdumpSizeMib)],
    ['Ephemeral', ephemeral(type)],
    ['Wiped by', type.wipeMode],
    ['Made', localTime(type.createdAt)],
  ]);
}
