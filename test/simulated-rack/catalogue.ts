import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageView } from '#contract';
import type { AnswerFormat, ImageInstall } from '#core';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import { kernelHead } from '../support/boot-media.js';
import { ImageBench } from '../support/image-tree.js';
import { makeSmallImage } from '../support/small-image.js';
import { instructions } from './operator.js';

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

/** How images are installed that simulated machines are given. */
const installsWith = (format: AnswerFormat): Record<SimulatedMethod, ImageInstall | null> => ({
  image: null,
  netinstall: {
    method: 'netinstall',
    kernel: 'vmlinuz',
    initrd: 'initrd.img',
    kernelArguments: '',
    answerFile: { format, text: null },
  },
  live: {
    method: 'live',
    kernel: 'vmlinuz',
    initrd: 'initrd.img',
    kernelArguments:
      'boot=live fetch={{ treeUrl }}/filesystem.squashfs ds=nocloud-net;s={{ metadataUrl }}/nocloud/',
    completion: 'notify',
  },
  manual: { method: 'manual', instructions, netboot: 'local', power: 'off', completion: 'notify' },
});
export type SimulatedMethod = 'image' | 'netinstall' | 'live' | 'manual';

/** Imports an image that is installed by this method, under the method's name; one with answers of another format is called after that. */
export async function importFor(
  client: DodaiClient,
  method: SimulatedMethod,
  format?: AnswerFormat,
): Promise<ImageView> {
  const bench = await ImageBench.make();
  try {
    const file = await (method === 'image' ? smallDisk(bench) : bench.tar(await bench.plainTree(medium)));
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    const { id } = await client.uploadImage({ file, name: format ?? method, sha256 });
    return await client.updateImage(id, { install: installsWith(format ?? 'preseed')[method] });
  } finally {
    await bench.remove();
  }
}

const medium = { vmlinuz: kernelHead(), 'initrd.img': 'initrd', 'filesystem.squashfs': 'files' };

/** A whole disk whose one partition has an empty file system. */
async function smallDisk(bench: ImageBench): Promise<string> {
  const root = await bench.ext(await bench.plainTree({}), 2);
  return bench.disk(4, { mbr: 'label: dos\n2048,4096,83,*\n' }, { 1: root });
}

/** Files that stand for the kernel and the initramfs of the live image; nobody runs them. */
export async function writeLiveImage(directory: string, sizeBytes = 64 * 1024): Promise<void> {
  for (const file of ['vmlinuz', 'initrd.img'])
    await writeFile(join(directory, file), Buffer.alloc(sizeBytes));
}
