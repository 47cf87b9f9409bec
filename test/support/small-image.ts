import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export interface SmallImage {
  data: Uint8Array<ArrayBuffer>;
  sha256: string;
}

/** An empty ext4 file system of this size, compressed with zstd. */
export async function makeSmallImage(sizeMib: number): Promise<SmallImage> {
  const folder = await mkdtemp(join(tmpdir(), 'dodai-image-'));
  try {
    const file = join(folder, 'image');
    await execa('mke2fs', ['-q', '-t', 'ext4', file, `${sizeMib}M`], {
      env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    await execa('zstd', ['-q', file]);
    const data = new Uint8Array(await readFile(`${file}.zst`));
    return { data, sha256: createHash('sha256').update(data).digest('hex') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
