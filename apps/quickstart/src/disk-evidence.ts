import { open, stat } from 'node:fs/promises';
import { QuickstartError } from './quickstart-error.js';

const chunkBytes = 4 << 20;

/** Where the first byte is that is not zero; undefined when the whole disk reads as zeros. */
export async function firstByteNotZero(diskPath: string): Promise<number | undefined> {
  const { size, blocks } = await stat(diskPath);
  // A file without a block is one hole, and holes read as zeros.
  if (blocks === 0) return undefined;
  const zeros = Buffer.alloc(chunkBytes);
  const buffer = Buffer.alloc(chunkBytes);
  const disk = await open(diskPath, 'r');
  try {
    for (let offset = 0; offset < size; offset += chunkBytes) {
      const { bytesRead } = await disk.read(buffer, 0, chunkBytes, offset);
      if (buffer.compare(zeros, 0, bytesRead, 0, bytesRead) !== 0) {
        return offset + buffer.findIndex((byte) => byte !== 0);
      }
    }
    return undefined;
  } finally {
    await disk.close();
  }
}

export async function assertZeros(diskPaths: readonly string[]): Promise<void> {
  for (const diskPath of diskPaths) {
    const offset = await firstByteNotZero(diskPath);
    if (offset === undefined) continue;
    throw new QuickstartError(
      `the disk ${diskPath} is not wiped: the byte at ${offset} is not zero`,
      'Look at the log of the wipe: npx dodai events.',
    );
  }
}
