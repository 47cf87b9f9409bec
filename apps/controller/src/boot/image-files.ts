import { createReadStream } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { DomainError, type Image } from '#core';
import { ImageCache, ImageLibrary, ImageTrees } from '#images';
import { ImageStore } from '#store';
import type { ServedFile } from './send-file.js';

/** Their size decides the speed. */
const chunkBytes = 1024 * 1024;

/** The images of the catalogue as files to send: their chunks, the lists of them, and the files that are in them. What is not here any more is fetched first. */
@Injectable()
export class ImageFiles {
  constructor(
    private readonly images: ImageStore,
    private readonly library: ImageLibrary,
    private readonly cache: ImageCache,
    private readonly trees: ImageTrees,
  ) {}

  /** Throws DomainError `image-not-found`. */
  async find(id: string): Promise<ServedFile & { image: Image }> {
    const image = await this.cache.ensure(await this.images.find(id));
    return {
      image,
      sizeBytes: await this.library.sizeBytes(image),
      type: 'application/zstd',
      etag: image.sha256,
      open: (range) => this.library.openForStreaming(image, range),
    };
  }

  /** Throws the same, also for an image that has no list. */
  async findList(id: string): Promise<ServedFile> {
    const found = await this.images.find(id);
    if (found.chunksSha256 === '') throw hasNoList(found.name);
    const image = await this.cache.ensure(found);
    return {
      sizeBytes: await this.library.listBytes(image),
      type: 'text/plain; charset=utf-8',
      etag: image.chunksSha256,
      open: (range) => this.library.openList(image, range),
    };
  }

  /** What is at this path in an image. Throws what `ImageTrees.open` throws. */
  async findInTree(id: string, path: string): Promise<ServedFile> {
    const image = await this.images.find(id);
    const { file, sizeBytes } = await this.trees.open(image, path);
    return {
      sizeBytes,
      type: 'application/octet-stream',
      etag: image.sha256,
      open: (range) => createReadStream(file, { highWaterMark: chunkBytes, ...range }),
    };
  }
}

function hasNoList(name: string): DomainError {
  return new DomainError(
    'image-not-found',
    `The image ${name} was imported before images were kept in chunks.`,
    {
      remedy: 'Delete it and import it again.',
      context: { field: 'image' },
    },
  );
}
