import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { DomainError, type ImageProgress } from '#core';
import type { ImageFetch, ImageView } from '#contract';
import type { DownloadProgress } from '#images';
import { Shutdown } from '../http/shutdown.js';
import { ImageShelf } from './image-shelf.js';
import { ImageSources } from './image-sources.js';
import { imageViewOf } from './views.js';

/** Images that the controller fetches itself, for as long as the one who asked for it stays on the line. */
@Injectable()
export class ImageFetching {
  constructor(
    private readonly shelf: ImageShelf,
    private readonly sources: ImageSources,
    private readonly shutdown: Shutdown,
  ) {}

  async fetch(
    wanted: ImageFetch,
    response: Response,
    tell: (progress: ImageProgress) => void,
  ): Promise<ImageView> {
    const over = new AbortController();
    const hangUp = () => over.abort(new DomainError('aborted', 'Whoever asked for the image is gone.'));
    response.once('close', hangUp);
    const signal = AbortSignal.any([over.signal, this.shutdown.signal]);
    const onProgress = ({ receivedBytes, totalBytes }: DownloadProgress) =>
      tell({ stage: 'fetch', doneBytes: receivedBytes, totalBytes: totalBytes ?? null });
    try {
      const open = () => this.sources.open(wanted, { signal, onProgress });
      const sourceUrl = 'url' in wanted.source ? wanted.source.url : null;
      const image = await this.shelf.add({ ...wanted, sourceUrl }, open, { signal, onProgress: tell });
      await this.sources.ended(wanted);
      return imageViewOf(image);
    } catch (error) {
      await this.sources.ended(wanted, error);
      throw error;
    } finally {
      response.removeListener('close', hangUp);
      over.abort(); // the connection to the server ends, however the import did
    }
  }
}
