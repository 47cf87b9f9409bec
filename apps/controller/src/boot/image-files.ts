import { Injectable } from '@nestjs/common';
import { DomainError, type Image } from '#core';
import { ImageCache, ImageLibrary } from '#images';
import { ImageStore } from '#store';
import type { ServedFile } from './send-file.js';

/** The images of the catalogue as files to send: their chunks, and the lists of them. What is not here any more is fetched first. */
@Injectable()
export class ImageFiles {
  constructor(
    private readonly images: ImageStore,
    private readonly library: ImageLibrary,
    private readonly cache: ImageCache,
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
