import { Injectable } from '@nestjs/common';
import { ImageLibrary } from '#images';
import { ImageStore } from '#store';
import type { ServedFile } from './send-file.js';

/** The images of the catalogue as files to send. */
@Injectable()
export class ImageFiles {
  constructor(
    private readonly images: ImageStore,
    private readonly library: ImageLibrary,
  ) {}

  /** Throws DomainError `image-not-found`. */
  async find(id: string): Promise<ServedFile> {
    const image = await this.images.find(id);
    return {
      sizeBytes: await this.library.sizeBytes(image),
      type: 'application/zstd',
      etag: image.sha256,
      open: (range) => this.library.openForStreaming(image, range),
    };
  }
}
