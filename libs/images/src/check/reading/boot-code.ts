import type { FileHandle } from 'node:fs/promises';
import { bytesAt, type DiskTable } from './partition-table.js';

const sectorBytes = 512;
/** Where GRUB's boot sector says at which sector its core begins: GRUB, include/grub/i386/pc/boot.h. */
const coreSectorAt = 0x5c;

/**
 * Whether a BIOS that starts this disk finds more than a boot sector: GRUB's core where GRUB's boot sector has it, or a
 * partition to go on with, which is active and has a boot sector of its own.
 */
export async function startsOnBios(file: FileHandle, { partitions }: DiskTable): Promise<boolean> {
  const sector = await bytesAt(file, 0, sectorBytes);
  if (!isBootSector(sector) || !hasContent(sector.subarray(0, 440))) return false;
  if (sector.includes('GRUB ')) {
    const core = Number(sector.readBigUInt64LE(coreSectorAt)) * sectorBytes;
    return core > 0 && hasContent(await bytesAt(file, core, sectorBytes));
  }
  for (const { isActive, startBytes } of partitions) {
    if (isActive && isBootSector(await bytesAt(file, startBytes, sectorBytes))) return true;
  }
  return false;
}

const isBootSector = (sector: Buffer) => sector.readUInt16LE(510) === 0xaa55;
const hasContent = (bytes: Buffer) => bytes.some((byte) => byte !== 0);
