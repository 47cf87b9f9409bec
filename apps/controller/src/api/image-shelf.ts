import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DomainError, type Image, type ImageProgress } from '#core';
import type { ImageUploadQuery } from '#contract';
import { ImageCache, type StoredImage } from '#images';
import { ImageStore } from '#store';
import { SignedDigests } from './signed-digests.js';

/** The content of an image on its way here. */
interface ImageSource {
  stream: Readable;
  /** As the sender announced it; undefined: it did not say. */
  totalBytes: number | undefined;
}

interface Following {
  /** Ends it. */
  signal: AbortSignal;
  onProgress: (progress: ImageProgress) => void;
}

/**
 * Images as catalogue entry and file together. Two entries may share a file, and an import may just be about
 * to share one: files are therefore removed only while no import runs, and nobody looks into one.
 */
@Injectable()
export class ImageShelf {
  private works = 0;
  private readonly unwanted = new Set<string>();

  constructor(
    private readonly images: ImageStore,
    private readonly cache: ImageCache,
    private readonly signedSums: SignedDigests,
  ) {}

  /** `open` is asked for the content only when the name is free; `sourceUrl`: where it can be got again. */
  async add(
    wanted: ImageUploadQuery & { sourceUrl?: string | null },
    open: () => Promise<ImageSource>,
    following: Following,
  ): Promise<Image> {
    await this.refuseTaken(wanted.name);
    const digests = wanted.signedSums ? await this.signedSums.read(wanted.signedSums) : wanted.digests;
    this.works += 1;
    let stored: StoredImage | undefined;
    try {
      const { stream, totalBytes } = await open();
      stored = await this.cache.take(wanted.name, stream, {
        expectedSha256: digests.sha256,
        expectedSha512: digests.sha512,
        expectedBytes: totalBytes,
        ...following,
      });
      this.unwanted.add(stored.sha256); // until its entry exists
      await this.cache.makeRoom(wanted.name, 0); // now that its size is known
      return await this.images.create({
        ...stored,
        sourceUrl: wanted.sourceUrl ?? null,
        install: null,
        lastUsedAt: null,
        name: wanted.name,
        defaultUser: wanted.defaultUser ?? null,
      });
    } catch (error) {
      following.signal.throwIfAborted();
      throw error;
    } finally {
      if (stored) this.cache.release(stored);
      this.works -= 1;
      await this.clear();
    }
  }

  /** Looks into an image anew, and keeps what was found. One that is deleted meanwhile has its files until that has ended. */
  async lookAgain(image: Image, following: Following): Promise<Image> {
    this.works += 1;
    try {
      return await this.images.redescribe(image, await this.cache.inspect(image, following));
    } finally {
      this.works -= 1;
      await this.clear();
    }
  }

  async remove(image: Image): Promise<void> {
    await this.images.remove(image);
    this.unwanted.add(image.sha256);
    await this.clear();
  }

  private async clear(): Promise<void> {
    for (const sha256 of [...this.unwanted]) {
      if (this.works > 0) return;
      this.unwanted.delete(sha256);
      if (!(await this.images.usesFile(sha256)) && this.works === 0) await this.cache.drop({ sha256 });
    }
  }

  /** Before gigabytes are sent in vain. */
  private async refuseTaken(name: string): Promise<void> {
    const taken = await this.images.find(name).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'image-not-found') return undefined;
      throw error;
    });
    if (!taken) return;
    throw new DomainError('image-duplicate', `There is an image ${name} already.`, {
      remedy: 'Choose another name, or delete that image first.',
      context: { field: 'name', imageId: taken.id },
    });
  }
}
