import { open } from 'node:fs/promises';
import { execa } from 'execa';

export interface Partition {
  number: number;
  name: string;
  type: string;
  firstSector: number;
  sizeBytes: number;
}

const sectorBytes = 512;
const pageBytes = 4096;
const swapMark = 'SWAPSPACE2';

/** The partitions of a raw disk, as sgdisk reads them. */
export async function partitionsOf(diskPath: string): Promise<Partition[]> {
  const { stdout } = await execa('sgdisk', ['--print', diskPath]);
  const rows = stdout.matchAll(/^ +(\d+) +(\d+) +(\d+) +[\d.]+ \w+ +([0-9A-F]{4}) +(.*)$/gm);
  return [...rows].map(([, number, first, last, type = '', name = '']) => ({
    number: Number(number),
    name: name.trim(),
    type,
    firstSector: Number(first),
    sizeBytes: (Number(last) - Number(first) + 1) * sectorBytes,
  }));
}

/** Size and label of the ext4 file system in a partition. */
export async function ext4In(diskPath: string, { firstSector }: Partition) {
  const { stdout } = await execa('dumpe2fs', ['-h', `${diskPath}?offset=${firstSector * sectorBytes}`]);
  const field = (name: string) => new RegExp(`^${name}: +(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  return {
    sizeBytes: Number(field('Block count')) * Number(field('Block size')),
    label: field('Filesystem volume name'),
  };
}

export async function isSwap(diskPath: string, { firstSector }: Partition): Promise<boolean> {
  const disk = await open(diskPath, 'r');
  try {
    const mark = Buffer.alloc(swapMark.length);
    await disk.read(mark, 0, mark.length, firstSector * sectorBytes + pageBytes - swapMark.length);
    return mark.toString('latin1') === swapMark;
  } finally {
    await disk.close();
  }
}
