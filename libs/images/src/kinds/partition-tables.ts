import type { Finding, Head, KnownKind } from './kind.js';
import { asDisk as use, refusedDisk } from './remedies.js';

const plural = (count: number) => `${count} partition${count === 1 ? '' : 's'}`;

/** UEFI Specification 2.10, 5.3.2: the header is in the second sector, which tells how large sectors are. */
function readGpt(head: Head): Finding | undefined {
  const sectorBytes = [512, 4096].find((size) => head.has('EFI PART', size));
  if (sectorBytes === undefined) return undefined;
  const called = `a whole disk with a GPT of ${plural(countGpt(head, sectorBytes))}, for sectors of ${sectorBytes} bytes`;
  return { type: 'gpt', called, sizeBytes: (head.u64le(sectorBytes + 32) + 1) * sectorBytes };
}

const unused = '\0'.repeat(16);

/** Entries whose type, their first 16 bytes, is not zero (5.3.3); 128 of them when the header is usual. */
function countGpt(head: Head, header: number): number {
  const [first, count, bytes] = [
    head.u64le(header + 72) * header,
    head.u32le(header + 80),
    head.u32le(header + 84),
  ];
  const entries = Array.from({ length: Math.min(count, 128) }, (_, index) => first + index * bytes);
  return entries.map((at) => head.text(at, 16)).filter((type) => type.length === 16 && type !== unused)
    .length;
}

const signature = 0xaa55;
const entriesAt = [446, 462, 478, 494];

/**
 * The same, 5.2.1: four entries of 16 bytes. Boot code may stand there instead, so all of them must make sense.
 * Sectors of 4096 bytes have it at the same place.
 */
function readMbr(head: Head): Finding | undefined {
  if (head.u16le(510) !== signature) return undefined;
  const isSane = entriesAt.every((at) => head.u8(at) === 0 || head.u8(at) === 0x80);
  const used = entriesAt.filter((at) => head.u8(at + 4) !== 0 && head.u32le(at + 12) !== 0);
  if (!isSane || used.length === 0) return undefined;
  return { type: 'mbr', called: `a whole disk with an MBR of ${plural(used.length)}` };
}

/** What has no partition and is no file system. */
function readBootSector(head: Head): Finding | undefined {
  if (head.u16le(510) !== signature) return undefined;
  return { type: 'boot-sector', called: 'a whole disk with a boot sector but no partition' };
}

export const partitionTableKinds: readonly KnownKind[] = [
  { use, read: readGpt },
  { use, read: readMbr },
];

export const bootSectorKind: KnownKind = { use: refusedDisk, read: readBootSector };
