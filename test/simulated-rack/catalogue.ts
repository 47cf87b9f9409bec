import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import { makeSmallImage } from '../support/small-image.js';

/**
 * Imports a file system under this name; simulated machines write it nowhere. It is 1 MiB and empty, or has so much in it: a
 * transfer that is to stall must be longer than what is under way in the kernels of both ends.
 */
export async function importImage(client: DodaiClient, name: string, contentMib = 0): Promise<ImageView> {
  const { data } = await makeSmallImage(1 + 2 * contentMib, contentMib);
  const folder = await mkdtemp(join(tmpdir(), 'dodai-simulated-image-'));
  try {
    const file = join(folder, 'image.zst');
    await writeFile(file, data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    return await client.uploadImage({ file, name, sha256 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Files that stand for the kernel and the initramfs of the live image; nobody runs them. */
export async function writeLiveImage(directory: string, sizeBytes = 64 * 1024): Promise<void> {
  for (const file of ['vmlinuz', 'initrd.img'])
    await writeFile(join(directory, file), Buffer.alloc(sizeBytes));
}
