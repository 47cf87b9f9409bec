import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Image } from '#core';
import { type Inspection, inspectImage, refuseForeign } from './check/inspect-image.js';
import { type Content, contentOf } from './content/content.js';
import type { Tools } from './tools.js';
import { type ImportRequest, Intake } from './intake/intake.js';
import { ChunkWriter, type StoredForm } from './stored/chunk-writer.js';

/** What an import says of the image. */
export type StoredImage = StoredForm & Content & Inspection & Pick<Image, 'sourceSha256'>;

/** Makes the two files of an image in a folder, which may then be thrown away whatever became of it. */
export async function importImage(
  source: Readable,
  folder: string,
  request: ImportRequest,
  tools: Tools,
): Promise<{ image: StoredImage; files: { chunks: string; list: string } }> {
  const { processes, room } = tools;
  const { signal, onProgress = () => undefined } = request;
  const path = join(folder, 'content');
  const files = { chunks: join(folder, 'chunks'), list: join(folder, 'list') };
  await room.allocate(files.chunks, request.storedBytes);
  const { sourceSha256, found } = await new Intake(request, path, tools).take(source);
  const content = await contentOf(path, found, tools, { signal, onProgress });
  onProgress({ stage: 'check', doneBytes: 0, totalBytes: null });
  const inspection = await inspectImage({ path, ...content }, processes, { signal });
  refuseForeign(inspection);
  // A tarball is passed on from its first byte to its last, zeros and all.
  const holes = content.kind !== 'tarball';
  const stored = await new ChunkWriter(processes, signal).write(path, files, { holes, onProgress });
  return { image: { ...stored, ...content, ...inspection, sourceSha256 }, files };
}
