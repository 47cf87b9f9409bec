import type { Finding, Head, KnownKind } from './kind.js';
import { asFileSystem, refusedJournal } from './remedies.js';

/** Where the superblock lies: 1024 bytes into the file system, 1024 bytes long (Linux, fs/ext4/ext4.h). */
const superblock = 1024;
const field = {
  inodes: superblock,
  blocksLow: superblock + 0x04,
  logBlockSize: superblock + 0x18,
  magic: superblock + 0x38,
  compatible: superblock + 0x5c,
  incompatible: superblock + 0x60,
  blocksHigh: superblock + 0x150,
} as const;
const magic = 0xef53;
const hasJournal = 0x4;
const isJournalDevice = 0x8;
const hasExtents = 0x40;
const has64Bit = 0x80;
/** Blocks of 64 KiB; a larger one is not written, and no sane value is there by accident. */
const mostLogBlockSize = 6;

/** Two bytes are easily there by accident, so what is beside them must make sense too. */
function isExt(head: Head): boolean {
  return (
    head.u16le(field.magic) === magic &&
    head.u32le(field.logBlockSize) <= mostLogBlockSize &&
    head.u32le(field.blocksLow) > 0
  );
}

const flags = (head: Head) => head.u32le(field.incompatible);

function sizeOf(head: Head): number {
  const high = flags(head) & has64Bit ? head.u32le(field.blocksHigh) : 0;
  return (high * 2 ** 32 + head.u32le(field.blocksLow)) * 2 ** (10 + head.u32le(field.logBlockSize));
}

function typeOf(head: Head): 'ext2' | 'ext3' | 'ext4' {
  if (flags(head) & (hasExtents | has64Bit)) return 'ext4';
  return head.u32le(field.compatible) & hasJournal ? 'ext3' : 'ext2';
}

function readJournal(head: Head): Finding | undefined {
  if (!isExt(head) || !(flags(head) & isJournalDevice)) return undefined;
  return { type: 'ext-journal', called: 'the journal of an ext file system', sizeBytes: sizeOf(head) };
}

function readFileSystem(head: Head): Finding | undefined {
  if (!isExt(head) || head.u32le(field.inodes) === 0) return undefined;
  const type = typeOf(head);
  return { type, called: `an ${type} file system`, sizeBytes: sizeOf(head) };
}

export const extKinds: readonly KnownKind[] = [
  { use: refusedJournal, read: readJournal },
  { use: asFileSystem, read: readFileSystem },
];
