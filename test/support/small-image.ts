import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export interface SmallImage {
  data: Uint8Array<ArrayBuffer>;
  sha256: string;
}

/** An ext4 file system of this size, compressed with zstd: empty, or with so much in it that nothing can compress. */
export async function makeSmallImage(sizeMib: number, contentMib = 0): Promise<SmallImage> {
  const folder = await mkdtemp(join(tmpdir(), 'dodai-image-'));
  try {
    const file = join(folder, 'image');
    const content = join(folder, 'content');
    await mkdir(content);
    await writeFile(join(content, 'file'), randomBytes(contentMib * 1024 * 1024));
    await execa('mke2fs', ['-q', '-t', 'ext4', '-d', content, file, `${sizeMib}M`], {
      env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    await execa('zstd', ['-q', file]);
    const data = new Uint8Array(await readFile(`${file}.zst`));
    return { data, sha256: createHash('sha256').update(data).digest('hex') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
