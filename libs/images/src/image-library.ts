import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DomainError, type Image } from '#core';
import type { Tools } from './content/content.js';
import { diskFull } from './disk-full.js';
import { importImage, type StoredImage } from './image-import.js';
import type { ImportRequest } from './intake/intake.js';
import { chunkBytes } from './intake/stream-meters.js';

/** Folders of what is on its way; left behind, they are cleared at the next start. */
export const incomingPrefix = 'incoming-';

/** Bytes of a file, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** What tells the files of an image. */
type ImageFile = Pick<Image, 'sha256'>;

/**
 * The image files of this controller: a folder with two files for each content, its chunks and their list, both called
 * after the SHA-256 of the former. They appear whole or not at all.
 */
export class ImageLibrary {
  /** How many imports ended with this content and have no image of it yet, by its digest. */
  private readonly fresh = new Map<string, number>();
  private removing: Promise<void> = Promise.resolve();

  private constructor(
    readonly directory: string,
    private readonly tools: Tools,
  ) {}

  /** Makes the folder when it is missing, and clears what an interrupted import left. */
  static async open(directory: string, tools: Tools): Promise<ImageLibrary> {
    await mkdir(directory, { recursive: true });
    for (const entry of await readdir(directory)) {
      if (entry.startsWith(incomingPrefix))
        await rm(join(directory, entry), { recursive: true, force: true });
    }
    return new ImageLibrary(directory, tools);
  }

  /**
   * Takes in an image from a stream, which it reads but never destroys: whoever sends may still get an answer.
   * Throws DomainError `image-invalid`, `image-too-large`, `image-checksum-mismatch`, `upload-incomplete` or
   * `disk-full`, and then leaves nothing behind. What was imported is fresh until the caller says that it is settled.
   */
  async import(source: Readable, request: ImportRequest): Promise<StoredImage> {
    const folder = await mkdtemp(join(this.directory, incomingPrefix)).catch((error: unknown) => {
      throw onDisk(error, this.directory);
    });
    try {
      const { image, files } = await importImage(source, folder, request, this.tools);
      await this.land(image, files);
      return image;
    } catch (error) {
      request.signal?.throwIfAborted();
      throw onDisk(error, this.directory);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** There is an image of what was imported now, or there will be none. */
  settled({ sha256 }: ImageFile): void {
    const others = (this.fresh.get(sha256) ?? 0) - 1;
    if (others > 0) this.fresh.set(sha256, others);
    else this.fresh.delete(sha256);
  }

  /** The contents that are here, with the size of their files and when they came. */
  async files(): Promise<{ sha256: string; bytes: number; changedAt: Date }[]> {
    const found = new Map<string, { sha256: string; bytes: number; changedAt: Date }>();
    for (const entry of await readdir(this.directory)) {
      const [, sha256] = /^([0-9a-f]{64})\.(zst|chunks)$/.exec(entry) ?? [];
      const file = sha256 && (await stat(join(this.directory, entry)).catch(() => undefined)); // gone meanwhile
      if (!sha256 || !file) continue;
      const bytes = (found.get(sha256)?.bytes ?? 0) + file.size;
      found.set(sha256, { sha256, bytes, changedAt: file.mtime });
    }
    return [...found.values()];
  }

  /** Whether all files of an image are here; one that was imported before there were lists has one. */
  async has(image: Pick<Image, 'sha256' | 'chunksSha256'>): Promise<boolean> {
    const files = image.chunksSha256 === '' ? [this.fileOf(image)] : [this.fileOf(image), this.listOf(image)];
    const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
    return found.every((file) => file !== undefined);
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize;
  }

  /** Of the file with the chunks. Throws DomainError `image-not-found` when it is gone. */
  async sizeBytes(image: ImageFile): Promise<number> {
    return await this.lengthOf(image, this.fileOf(image));
  }

  /** Of the list of chunks. Throws the same, also for an image that was imported before there were lists. */
  async listBytes(image: ImageFile): Promise<number> {
    return await this.lengthOf(image, this.listOf(image));
  }

  /** The file with the chunks, or a part of it, in pieces of 1 MiB: their size decides the speed. */
  openForStreaming(image: ImageFile, range?: ByteRange): Readable {
    return createReadStream(this.fileOf(image), { highWaterMark: chunkBytes, ...range });
  }

  /** The list of chunks, or a part of it. */
  openList(image: ImageFile, range?: ByteRange): Readable {
    return createReadStream(this.listOf(image), { highWaterMark: chunkBytes, ...range });
  }

  /** Does nothing when it is gone already. */
  async remove(image: ImageFile): Promise<void> {
    await rm(this.fileOf(image), { force: true });
    await rm(this.listOf(image), { force: true });
  }

  /** False: an import has just brought this content, and it stays. An import that is about to bring it waits. */
  async removeUnlessFresh(image: ImageFile): Promise<boolean> {
    await this.removing;
    if (this.fresh.has(image.sha256)) return false;
    this.removing = this.remove(image);
    await this.removing;
    return true;
  }

  private async land(image: ImageFile, files: { chunks: string; list: string }): Promise<void> {
    this.fresh.set(image.sha256, (this.fresh.get(image.sha256) ?? 0) + 1);
    try {
      await this.removing;
      await rename(files.list, this.listOf(image)); // first: chunks without their list are of no use
      await rename(files.chunks, this.fileOf(image));
      await this.syncDirectory();
    } catch (error) {
      this.settled(image);
      throw error;
    }
  }

  private async lengthOf({ sha256 }: ImageFile, file: string): Promise<number> {
    try {
      return (await stat(file)).size;
    } catch (cause) {
      throw new DomainError('image-not-found', `A file of the image is not in ${this.directory}.`, {
        cause,
        remedy: 'Delete the image and import it again.',
        context: { sha256 },
      });
    }
  }

  private fileOf({ sha256 }: ImageFile): string {
    return join(this.directory, `${sha256}.zst`);
  }

  private listOf({ sha256 }: ImageFile): string {
    return join(this.directory, `${sha256}.chunks`);
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
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(directory, error) : error;
}
