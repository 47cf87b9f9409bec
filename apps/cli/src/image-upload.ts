import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type ImageUploadInput, type ImageView, imageView } from '#contract';
import type { HttpTransport } from './http-transport.js';
import { unreadableFile } from './input-files.js';

/** Of an image on its way to the controller's disk. */
export interface TransferProgress {
  sentBytes: number;
  /** null: nobody knows. */
  totalBytes: number | null;
}

/** With the digest that the file must have. */
export interface ImageUpload extends Pick<ImageUploadInput, 'name' | 'sha256' | 'sha512' | 'defaultUser'> {
  file: string;
  onProgress?: (progress: TransferProgress) => void;
  signal?: AbortSignal;
}

/** Tells how far it is, from `sentBytes` on. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  report: (sentBytes: number) => void,
  sentBytes = 0,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    sentBytes += chunk.length;
    report(sentBytes);
  }
}

/** Streams the file; it is never in memory as a whole. The controller checks the digests of what arrived. */
export async function uploadImage(transport: HttpTransport, upload: ImageUpload): Promise<ImageView> {
  const { file, name, sha256, sha512, defaultUser, onProgress, signal } = upload;
  const { size: totalBytes } = await stat(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
  const content = counted(createReadStream(file, { highWaterMark: 1 << 18 }), (sentBytes) =>
    onProgress?.({ sentBytes, totalBytes }),
  );
  return await transport.read(imageView, {
    method: 'POST',
    path: '/v1/images',
    query: { name, sha256, sha512, defaultUser },
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(totalBytes) },
    content: Readable.from(content, { objectMode: false }),
    signal,
  });
}
