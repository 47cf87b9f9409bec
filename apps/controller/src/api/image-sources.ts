import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorCode } from '#core';
import type { ImageFetch } from '#contract';
import { type DownloadProgress, ImageDownloads } from '#images';
import { Uploads } from './uploads.js';

interface OpenOptions {
  signal: AbortSignal;
  onProgress: (progress: DownloadProgress) => void;
}

/** What says that a file will never be an image, however often it is tried. */
const hopeless = new Set<ErrorCode>(['image-checksum-mismatch', 'image-invalid', 'image-too-large']);

/** Where the controller itself gets images from: the network, and what was uploaded in pieces. */
@Injectable()
export class ImageSources {
  constructor(
    private readonly downloads: ImageDownloads,
    private readonly uploads: Uploads,
  ) {}

  async open(
    { source }: ImageFetch,
    options: OpenOptions,
  ): Promise<{ stream: Readable; totalBytes: number | undefined }> {
    if ('url' in source) return await this.downloads.open(source.url, options);
    return await this.uploads.open(source.upload, options.onProgress);
  }

  /** When the image is there, or `error` is why it is not: an upload goes that is no longer of use. */
  async ended({ source }: ImageFetch, error?: unknown): Promise<void> {
    if ('url' in source) return;
    const isOver = error === undefined || (error instanceof DomainError && hopeless.has(error.code));
    if (isOver) await this.uploads.remove(source.upload);
  }
}
