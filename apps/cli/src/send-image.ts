import { stat } from 'node:fs/promises';
import type { ImageView } from '#contract';
import { DomainError } from '#core';
import type { DodaiClient } from './client.js';
import type { ImageUpload } from './image-upload.js';
import { unreadableFile } from './input-files.js';

/** A file that takes a while to send is sent so that it can go on after a broken connection. */
const resumableBytes = 64 * 1024 * 1024;

export async function sendImage(client: DodaiClient, image: ImageUpload): Promise<ImageView> {
  const { file, onProgress, signal, ...order } = image;
  const digest = order.sha256 ?? order.sha512;
  if (digest === undefined || (await bytesOf(file)) < resumableBytes) return await client.uploadImage(image);
  await refuseTaken(client, order.name);
  const upload = await client.sendResumably({ file, digest, onProgress, signal });
  return await client.fetchImage({ ...order, upload }, { onProgress, signal });
}

/** Before gigabytes are sent in vain. */
async function refuseTaken(client: DodaiClient, name: string): Promise<void> {
  const taken = await client.image(name).catch((error: unknown) => {
    if (error instanceof DomainError && error.code === 'image-not-found') return undefined;
    throw error;
  });
  if (!taken) return;
  throw new DomainError('image-duplicate', `There is an image ${name} already.`, {
    remedy: 'Choose another name, or delete that image first.',
  });
}

async function bytesOf(file: string): Promise<number> {
  const { size } = await stat(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
  return size;
}
