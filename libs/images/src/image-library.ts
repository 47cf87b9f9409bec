import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DomainError } from '#core';
import type { ImageLimits, StreamingProcesses } from '#platform';
import { ImageIntake, type ImportRequest, type StoredImage } from './import-stream.js';
import { chunkBytes } from './stream-meters.js';

const incomingPrefix = 'incoming-';

/** Bytes of a file, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The image files of this controller: a folder in which each file is called after the SHA-256 of its content.
 * A file appears whole or not at all.
 */
export class ImageLibrary {
  private constructor(
    private readonly directory: string,
    private readonly processes: StreamingProcesses,
    private readonly limits: ImageLimits,
  ) {}

  /** Makes the folder when it is missing, and clears what an interrupted import left. */
  static async open(
    directory: string,
    processes: StreamingProcesses,
    limits: ImageLimits,
  ): Promise<ImageLibrary> {
    await mkdir(directory, { recursive: true });
    for (const entry of await readdir(directory)) {
      if (entry.startsWith(incomingPrefix))
        await rm(join(directory, entry), { recursive: true, force: true });
    }
    return new ImageLibrary(directory, processes, limits);
  }

  /**
   * Takes in an image from a stream, which it reads but never destroys: whoever sends may still get an answer.
   * Throws DomainError `image-invalid`, `image-too-large`, `image-checksum-mismatch`, `upload-incomplete` or
   * `disk-full`, and then leaves nothing behind.
   */
  async import(source: Readable, request: ImportRequest): Promise<StoredImage> {
    const folder = await mkdtemp(join(this.directory, incomingPrefix)).catch((error: unknown) => {
      throw onDisk(error, this.directory);
    });
    try {
      const file = join(folder, 'image');
      const image = await new ImageIntake(request, this.processes, this.limits).take(source, file);
      await rename(file, this.fileOf(image));
      await this.syncDirectory();
      return image;
    } catch (error) {
      throw onDisk(error, this.directory);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Throws DomainError `image-not-found` when the file is gone. */
  async sizeBytes(image: Pick<StoredImage, 'sha256'>): Promise<number> {
    try {
      return (await stat(this.fileOf(image))).size;
    } catch (cause) {
      throw new DomainError('image-not-found', `The file of the image is not in ${this.directory}.`, {
        cause,
        remedy: 'Delete the image and import it again.',
        context: { sha256: image.sha256 },
      });
    }
  }

  /** The stored file, or a part of it, in chunks of 1 MiB: their size decides the speed. */
  openForStreaming(image: Pick<StoredImage, 'sha256'>, range?: ByteRange): Readable {
    return createReadStream(this.fileOf(image), { highWaterMark: chunkBytes, ...range });
  }

  /** Does nothing when it is gone already. */
  async remove(image: Pick<StoredImage, 'sha256'>): Promise<void> {
    await rm(this.fileOf(image), { force: true });
  }

  private fileOf({ sha256 }: Pick<StoredImage, 'sha256'>): string {
    return join(this.directory, `${sha256}.zst`);
  }

  private async syncDirectory(): Promise<void> {
    const handle = await open(this.directory);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** A disk without space left becomes an error that says so. */
function onDisk(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new DomainError('disk-full', `The disk of ${directory} is full; the image was not kept.`, {
    cause: error,
    remedy: 'Delete images that are no longer needed, or give the data directory more space.',
    context: { directory },
  });
}
