import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { DomainError } from '#core';
import type { ImageFetch, ImageFetchProgress, ImageView } from '#contract';
import type { DownloadProgress } from '#images';
import { Clock } from '#platform';
import { problemOf } from '../http/problem-of.js';
import { Shutdown } from '../http/shutdown.js';
import { ImageShelf } from './image-shelf.js';
import { ImageSources } from './image-sources.js';
import { imageViewOf } from './views.js';

const progressEveryMs = 200;

/** Images that the controller fetches itself, for as long as the one who asked for it stays on the line. */
@Injectable()
export class ImageFetching {
  constructor(
    private readonly shelf: ImageShelf,
    private readonly sources: ImageSources,
    private readonly clock: Clock,
    private readonly shutdown: Shutdown,
  ) {}

  /** Answers when it is done: 201 with the image, or throws. */
  async answer(wanted: ImageFetch, response: Response): Promise<void> {
    const image = await this.fetch(wanted, response, () => undefined);
    response.status(201).json(image);
  }

  /**
   * Answers with server-sent events: `progress`, and at last `image` or `problem`. What is refused before anything
   * was fetched is thrown, so that it is a problem with its own status.
   */
  async stream(wanted: ImageFetch, response: Response): Promise<void> {
    const events = new Events(response);
    let toldMs = -Infinity;
    try {
      const image = await this.fetch(wanted, response, ({ receivedBytes, totalBytes = null }) => {
        const nowMs = this.clock.monotonicMs();
        if (nowMs - toldMs < progressEveryMs && receivedBytes !== totalBytes) return;
        toldMs = nowMs;
        events.write('progress', { receivedBytes, totalBytes } satisfies ImageFetchProgress);
      });
      events.write('image', image);
    } catch (error) {
      if (!response.headersSent || !(error instanceof DomainError)) throw error;
      events.write('problem', problemOf(error));
    }
    response.end();
  }

  private async fetch(
    wanted: ImageFetch,
    response: Response,
    onProgress: (progress: DownloadProgress) => void,
  ): Promise<ImageView> {
    const over = new AbortController();
    const hangUp = () => over.abort();
    response.once('close', hangUp);
    const signal = AbortSignal.any([over.signal, this.shutdown.signal]);
    try {
      const open = () => this.sources.open(wanted, { signal, onProgress });
      const sourceUrl = 'url' in wanted.source ? wanted.source.url : null;
      const image = await this.shelf.add({ ...wanted, sourceUrl }, open);
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

/** WHATWG HTML, 9.2: the answer becomes a stream with its first event. */
class Events {
  constructor(private readonly response: Response) {}

  write(event: string, data: object): void {
    const { response } = this;
    if (!response.headersSent)
      response.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      });
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
