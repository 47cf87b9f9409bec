import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { DomainError, type Image } from '#core';
import { type Inspection, inspectImage } from './check/inspect-image.js';
import type { Tools } from './tools.js';
import { diskFull } from './disk-full.js';
import { importImage, type StoredImage } from './image-import.js';
import type { ImportRequest } from './intake/intake.js';
import { chunkBytes } from './intake/stream-meters.js';
import { ChunkReader } from './stored/chunk-reader.js';
import { TreeFolders } from './trees/tree-folders.js';

/** Folders of what is on its way; left behind, they are cleared at the next start. */
export const incomingPrefix = 'incoming-';

/** Bytes of a file, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export type InspectionRequest = Required<Pick<ImportRequest, 'signal' | 'onProgress'>>;

/** What tells the files of an image. */
type ImageFile = Pick<Image, 'sha256'>;

/**
 * The image files of this controller: a folder with two files for each content, its chunks and their list, both called
 * after the SHA-256 of the former, and a folder when it was unpacked. They appear whole or not at all.
 */
export class ImageLibrary {
  /** How many need this content, by its digest: an import that ended with it and has no image of it yet, or who reads it. */
  private readonly held = new Map<string, number>();
  private removing: Promise<void> = Promise.resolve();
  readonly trees: TreeFolders;

  private constructor(
    readonly directory: string,
    private readonly tools: Tools,
  ) {
    this.trees = new TreeFolders(directory, incomingPrefix);
  }

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
   * `disk-full`, and then leaves nothing behind. What was imported is held until the caller releases it.
   */
  async import(source: Readable, request: ImportRequest): Promise<StoredImage> {
    return await this.inFolder(request.signal, async (folder) => {
      const { image, files } = await importImage(source, folder, request, this.tools);
      await this.land(image, files);
      return image;
    });
  }

  /**
   * Looks into what is stored of an image, which is held meanwhile. Throws DomainError `image-not-found`, `disk-full`, or
   * `image-checksum-mismatch` when its files are damaged.
   */
  async inspect(image: Image, following: InspectionRequest): Promise<Inspection> {
    const { signal, onProgress } = following;
    return await this.withContent(image, following, async (path) => {
      onProgress({ stage: 'check', doneBytes: 0, totalBytes: null });
      return await inspectImage({ ...image, path }, this.tools.processes, { signal });
    });
  }

  /**
   * Unpacks an image that somebody holds, and gives the folder with its files. `unpack` is told where the content lies, and makes
   * the folder. Throws what `inspect` throws.
   */
  async addTree(
    image: Image,
    signal: AbortSignal,
    unpack: (content: string, folder: string) => Promise<void>,
  ): Promise<string> {
    const following = { signal, onProgress: () => undefined };
    return await this.withContent(image, following, async (content, folder) => {
      const made = join(folder, 'tree');
      await unpack(content, made);
      const tree = await this.trees.place(image, made);
      await this.syncDirectory();
      return tree;
    });
  }

  /** Gives what is stored of an image, unpacked in a folder that is gone afterwards. Throws what `inspect` throws. */
  async withContent<T>(
    image: Image,
    following: InspectionRequest,
    work: (content: string, folder: string) => Promise<T>,
  ): Promise<T> {
    await this.listBytes(image);
    return await this.inFolder(following.signal, async (folder) => {
      const path = join(folder, 'content');
      const chunks = this.openForStreaming(image);
      const stored = { ...image, chunks, list: await text(this.openList(image)) };
      await new ChunkReader(this.tools.processes, following).read(stored, path);
      return await work(path, folder);
    });
  }

  /** Nobody removes it until it is released as often as it was held. One that is just being removed is gone then. */
  async hold(image: ImageFile): Promise<void> {
    this.count(image, 1);
    await this.removing;
  }

  release(image: ImageFile): void {
    this.count(image, -1);
  }

  /** The contents that are here, with the size of their files and when they came. */
  async files(): Promise<{ sha256: string; bytes: number; changedAt: Date }[]> {
    const found = new Map<string, { sha256: string; bytes: number; changedAt: Date }>();
    for (const entry of await readdir(this.directory)) {
      const [, sha256, suffix] = /^([0-9a-f]{64})\.(zst|chunks|tree)$/.exec(entry) ?? [];
      const file = sha256 && (await stat(join(this.directory, entry)).catch(() => undefined)); // gone meanwhile
      if (!sha256 || !file) continue;
      const size = suffix === 'tree' ? await this.trees.bytes({ sha256 }) : file.size;
      const bytes = (found.get(sha256)?.bytes ?? 0) + size;
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

  /** What taking it in again takes on the disk while that is under way. */
  workBytes(image: Image): number {
    return this.tools.room.workBytes(image);
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
    await this.trees.remove(image);
    await rm(this.fileOf(image), { force: true });
    await rm(this.listOf(image), { force: true });
  }

  /** False: this content is held, and stays. An import that is about to bring it waits. */
  async removeUnlessHeld(image: ImageFile): Promise<boolean> {
    await this.removing;
    if (this.held.has(image.sha256)) return false;
    this.removing = this.remove(image);
    await this.removing;
    return true;
  }

  /** Gives a folder for what is on its way, which is gone afterwards. */
  private async inFolder<T>(
    signal: AbortSignal | undefined,
    work: (folder: string) => Promise<T>,
  ): Promise<T> {
    const folder = await mkdtemp(join(this.directory, incomingPrefix)).catch((error: unknown) => {
      throw onDisk(error, this.directory);
    });
    try {
      return await work(folder);
    } catch (error) {
      signal?.throwIfAborted();
      throw onDisk(error, this.directory);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private count({ sha256 }: ImageFile, more: 1 | -1): void {
    const holders = (this.held.get(sha256) ?? 0) + more;
    if (holders > 0) this.held.set(sha256, holders);
    else this.held.delete(sha256);
  }

  private async land(image: ImageFile, files: { chunks: string; list: string }): Promise<void> {
    await this.hold(image);
    try {
      await rename(files.list, this.listOf(image)); // first: chunks without their list are of no use
      await rename(files.chunks, this.fileOf(image));
      await this.syncDirectory();
    } catch (error) {
      this.release(image);
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
