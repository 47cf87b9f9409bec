import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { DomainError, type Image } from '#core';
import { type ImageSent, ImageServer } from '#images';
import { Clock, type Config, type Logger } from '#platform';
import { CONFIG, LOG } from '../parts.module.js';
import { FetchRecorder } from './fetch-recorder.js';

/** Lets nginx send the images where it is installed. Who asks for one is told where, and the timeline what came of it. */
@Injectable()
export class ImageServing {
  private server: ImageServer | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOG) private readonly log: Logger,
    private readonly clock: Clock,
    private readonly recorder: FetchRecorder,
  ) {}

  /** Answers the port, or undefined when the controller sends the images itself. Throws DomainError `port-not-bound`. */
  async start(): Promise<number | undefined> {
    const { dataDir, http, nginxPort: port } = this.config;
    if (port === 0) return undefined;
    const server = new ImageServer({
      dataDir,
      host: http.host,
      port,
      clock: this.clock,
      onFetch: (fetch) => this.record(fetch),
      onEnd: (end) => this.log.error({ end }, 'nginx died and is started again'),
    });
    try {
      await server.start();
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'program-missing') throw notStarted(port, error);
      this.log.info('nginx is not installed: the controller sends images itself, which costs it more CPU');
      return undefined;
    }
    this.server = server;
    return port;
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }

  /** Where else an image is to be had; undefined when it is to be had here alone. Behind a proxy only this listener is known to be reachable. */
  elsewhere(image: Pick<Image, 'id' | 'sha256'>, { headers }: Request): string | undefined {
    if (headers.via ?? headers.forwarded ?? headers['x-forwarded-for']) return undefined;
    return this.server?.urlOf(image, new URL(this.config.publicUrl).hostname);
  }

  private record({ imageId, ...fetch }: ImageSent): void {
    this.recorder.ended({ path: `/boot/images/${imageId}`, ...fetch });
  }
}

function notStarted(port: number, cause: unknown): DomainError {
  return new DomainError(
    'port-not-bound',
    `Images were to be served on port ${port}: ${(cause as Error).message}`,
    {
      cause,
      remedy: 'Choose another DODAI_NGINX_PORT, or 0: then the controller sends images itself.',
    },
  );
}
