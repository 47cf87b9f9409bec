import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ImageUploadInput, ImageView } from '#contract';
import type { HttpTransport } from './http-transport.js';
import { type Following, workOnImage } from './image-work.js';
import { unreadableFile } from './input-files.js';

/** With the digest that the file must have. */
export interface ImageUpload
  extends Following, Pick<ImageUploadInput, 'name' | 'sha256' | 'sha512' | 'defaultUser'> {
  file: string;
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
  const content = counted(createReadStream(file, { highWaterMark: 1 << 18 }), (doneBytes) =>
    onProgress?.({ stage: 'send', doneBytes, totalBytes }),
  );
  const request = {
    method: 'POST',
    path: '/v1/images',
    query: { name, sha256, sha512, defaultUser },
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(totalBytes) },
    content: Readable.from(content, { objectMode: false }),
  } as const;
  return await workOnImage(transport, request, { onProgress, signal });
}
