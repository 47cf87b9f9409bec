import type { FileHandle } from 'node:fs/promises';
import type { ImagePartition, ImagePartitionTable } from '#core';
import { recognise } from '../../image-kinds.js';
import { bytesToRecognise, shown } from '../../kinds/kind.js';

/** A partition, and whether the table says that it is the one to start from (MBR: active; GPT: legacy BIOS bootable). */
export interface DiskPartition extends ImagePartition {
  isActive: boolean;
}

export interface DiskTable extends ImagePartitionTable {
  partitions: DiskPartition[];
}

type Entry = Omit<DiskPartition, 'fileSystem'>;

/** The partition table of a whole disk in a file; null: it has none. Partitions come in the order of their numbers. */
export async function readPartitionTable(file: FileHandle): Promise<DiskTable | null> {
  const table = (await readGpt(file)) ?? (await readMbr(file));
  if (table === null) return null;
  const partitions: DiskPartition[] = [];
  for (const entry of table.entries) {
    const fileSystem = await fileSystemAt(file, entry.startBytes);
    partitions.push({ ...entry, fileSystem });
  }
  return { type: table.type, sectorBytes: table.sectorBytes, partitions };
}

interface Entries {
  type: 'gpt' | 'mbr';
  sectorBytes: number;
  entries: Entry[];
}

/** Bytes of a file; past its end it reads as zeros. */
export async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  if (Number.isSafeInteger(position)) await file.read(bytes, 0, length, position);
  return bytes;
}

const most = { entries: 256, entryBytes: 4096 };

/** UEFI Specification 2.10, 5.3.2 and 5.3.3: the header is in the second sector, which tells how large sectors are. */
async function readGpt(file: FileHandle): Promise<Entries | null> {
  for (const sectorBytes of [512, 4096]) {
    const header = await bytesAt(file, sectorBytes, 512);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') continue;
    const entryBytes = Math.min(header.readUInt32LE(84), most.entryBytes);
    const count = entryBytes < 128 ? 0 : Math.min(header.readUInt32LE(80), most.entries);
    const all = await bytesAt(file, u64(header, 72) * sectorBytes, count * entryBytes);
    const entries = Array.from({ length: count }, (_, index) =>
      gptEntry(all.subarray(index * entryBytes, (index + 1) * entryBytes), index + 1, sectorBytes),
    );
    return { type: 'gpt', sectorBytes, entries: entries.filter((entry) => entry !== null) };
  }
  return null;
}

const legacyBoot = 4; // bit 2 of the attributes

function gptEntry(bytes: Buffer, number: number, sectorBytes: number): Entry | null {
  const type = guid(bytes);
  if (/^[0-]+$/.test(type)) return null;
  const [first, last] = [u64(bytes, 32), u64(bytes, 40)];
  return {
    number,
    startBytes: first * sectorBytes,
    sizeBytes: Math.max(0, last - first + 1) * sectorBytes,
    type,
    name: shown(bytes.toString('utf16le', 56, 128).replace(/\0.*$/s, '')) || null,
    isActive: (bytes.readUInt8(48) & legacyBoot) !== 0,
  };
}

const u64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));

/** The first three fields are little-endian (UEFI Specification 2.10, appendix A). */
function guid(bytes: Buffer): string {
  const hex = (from: number, to: number) => bytes.toString('hex', from, to);
  const turned = (from: number, to: number) =>
    Buffer.from(bytes.subarray(from, to).toReversed()).toString('hex');
  return [turned(0, 4), turned(4, 6), turned(6, 8), hex(8, 10), hex(10, 16)].join('-').toUpperCase();
}

const mbrSectorBytes = 512;
const entriesAt = [446, 462, 478, 494];
const extendedTypes = new Set(['05', '0f', '85']);
const mostLogical = 60;

/** The same, 5.2.1; logical partitions are a chain of tables in the extended one, and begin at number 5. */
async function readMbr(file: FileHandle): Promise<Entries | null> {
  const sector = await bytesAt(file, 0, mbrSectorBytes);
  if (sector.readUInt16LE(510) !== 0xaa55) return null;
  const primary = entriesAt.flatMap((at, index) => mbrEntry(sector, at, index + 1, 0));
  const extended = primary.find(({ type }) => extendedTypes.has(type));
  const logical = extended ? await readLogical(file, extended.startBytes) : [];
  const entries = [...primary.filter((entry) => entry !== extended), ...logical];
  return entries.length === 0 ? null : { type: 'mbr', sectorBytes: mbrSectorBytes, entries };
}

async function readLogical(file: FileHandle, extendedAt: number): Promise<Entry[]> {
  const found: Entry[] = [];
  let tableAt = extendedAt;
  while (found.length < mostLogical) {
    const sector = await bytesAt(file, tableAt, mbrSectorBytes);
    if (sector.readUInt16LE(510) !== 0xaa55) break;
    found.push(...mbrEntry(sector, 446, 5 + found.length, tableAt));
    const next = mbrEntry(sector, 462, 0, extendedAt)[0];
    // Each table lies behind the one before: what points back is a circle.
    if (!next || next.startBytes <= tableAt) break;
    tableAt = next.startBytes;
  }
  return found;
}

/** An entry, or none when it is not in use; where it begins is counted from `baseBytes`. */
function mbrEntry(sector: Buffer, at: number, number: number, baseBytes: number): Entry[] {
  const type = sector.toString('hex', at + 4, at + 5);
  const [first, count] = [sector.readUInt32LE(at + 8), sector.readUInt32LE(at + 12)];
  if (type === '00' || count === 0) return [];
  const startBytes = baseBytes + first * mbrSectorBytes;
  const isActive = sector.readUInt8(at) === 0x80;
  return [{ number, startBytes, sizeBytes: count * mbrSectorBytes, type, name: null, isActive }];
}

const notFileSystems = new Set(['unknown', 'zeros', 'empty', 'boot-sector', 'text', 'html', 'mbr', 'gpt']);

async function fileSystemAt(file: FileHandle, position: number): Promise<string | null> {
  const { type } = recognise(await bytesAt(file, position, bytesToRecognise));
  return notFileSystems.has(type) ? null : type;
}
