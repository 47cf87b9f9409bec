import { open } from 'node:fs/promises';

const chunkBytes = 4 << 20;
const sectorBytes = 512;

/** By these the kernel's tools know what they made; each begins a sector, and stands in no file like that. */
const marks = {
  array: Buffer.from('fc4e2ba901000000', 'hex'),
  'volume group': Buffer.from('LABELONE'),
  'encrypted volume': Buffer.from('LUKS\xba\xbe\0\x02', 'latin1'),
  'second header of an encrypted volume': Buffer.from('SKUL\xba\xbe\0\x02', 'latin1'),
};

function beginsSector(chunk: Buffer, mark: Buffer): boolean {
  for (let at = chunk.indexOf(mark); at >= 0; at = chunk.indexOf(mark, at + 1))
    if (at % sectorBytes === 0) return true;
  return false;
}

/** What there still is anywhere on a disk of arrays, volume groups and encrypted volumes. */
export async function marksOn(diskPath: string): Promise<string[]> {
  const found = new Set<string>();
  const chunk = Buffer.alloc(chunkBytes);
  const disk = await open(diskPath, 'r');
  try {
    for (let at = 0; ; at += chunkBytes) {
      const { bytesRead } = await disk.read(chunk, 0, chunkBytes, at);
      if (bytesRead === 0) return [...found].sort();
      for (const [name, mark] of Object.entries(marks))
        if (beginsSector(chunk.subarray(0, bytesRead), mark)) found.add(name);
    }
  } finally {
    await disk.close();
  }
}
