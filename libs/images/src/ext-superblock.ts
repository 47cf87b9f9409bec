/** Where the superblock lies: 1024 bytes into the file system, 1024 bytes long (Linux, fs/ext4/ext4.h). */
const superblockOffset = 1024;
export const bytesToRecognise = superblockOffset + 1024;

const magic = 0xef53;
const field = {
  blocksLow: 0x04,
  logBlockSize: 0x18,
  magic: 0x38,
  compatible: 0x5c,
  incompatible: 0x60,
  blocksHigh: 0x150,
} as const;
const hasJournal = 0x4;
const hasExtents = 0x40;
const has64Bit = 0x80;

export interface ExtFileSystem {
  type: 'ext2' | 'ext3' | 'ext4';
  sizeBytes: number;
}

/** Reads the start of a disk or image; undefined when it is not an ext2, ext3 or ext4 file system. */
export function readExtSuperblock(head: Buffer): ExtFileSystem | undefined {
  if (head.length < bytesToRecognise) return undefined;
  const superblock = head.subarray(superblockOffset);
  if (superblock.readUInt16LE(field.magic) !== magic) return undefined;
  const incompatible = superblock.readUInt32LE(field.incompatible);
  const high = incompatible & has64Bit ? superblock.readUInt32LE(field.blocksHigh) : 0;
  const blocks = high * 2 ** 32 + superblock.readUInt32LE(field.blocksLow);
  const journal = superblock.readUInt32LE(field.compatible) & hasJournal;
  return {
    type: incompatible & (hasExtents | has64Bit) ? 'ext4' : journal ? 'ext3' : 'ext2',
    sizeBytes: blocks * 2 ** (10 + superblock.readUInt32LE(field.logBlockSize)),
  };
}
