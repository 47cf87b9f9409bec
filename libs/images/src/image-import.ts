import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Image } from '#core';
import type { ImageLimits, StreamingProcesses } from '#platform';
import { type Inspection, inspectImage, refuseForeign } from './check/inspect-image.js';
import { type ImportRequest, Intake } from './intake/intake.js';
import { ChunkWriter, type StoredForm } from './stored/chunk-writer.js';

/** What an import says of the image. */
export type StoredImage = StoredForm &
  Inspection &
  Pick<Image, 'kind' | 'format' | 'sourceSha256' | 'fileSystem'>;

interface Tools {
  processes: StreamingProcesses;
  limits: ImageLimits;
}

/** Makes the two files of an image in a folder, which may then be thrown away whatever became of it. */
export async function importImage(
  source: Readable,
  folder: string,
  request: ImportRequest,
  { processes, limits }: Tools,
): Promise<{ image: StoredImage; files: { chunks: string; list: string } }> {
  const content = join(folder, 'content');
  const intake = new Intake(request, processes, limits.maxBytes);
  const { sourceSha256, finding } = await intake.take(source, content);
  const what = { kind: 'file_system', fileSystem: finding.type } as const;
  const inspection = await inspectImage({ path: content, ...what }, processes, { signal: request.signal });
  refuseForeign(inspection);
  const files = { chunks: join(folder, 'chunks'), list: join(folder, 'list') };
  // Every byte is in a chunk: what writes images to disks takes all of it as one stream.
  const stored = await new ChunkWriter(processes, request.signal).write(content, files, { holes: false });
  return {
    image: { ...stored, ...inspection, ...what, sourceSha256, format: 'raw' },
    files,
  };
}
