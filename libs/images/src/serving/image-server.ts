import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type ProcessEnd, SupervisedProcess } from '#platform';
import { type Image } from '#core';
import { z } from 'zod';
import { nginxDirectory, renderNginxConfig } from './nginx-config.js';

/** One request for an image, as it went. */
export interface ImageSent {
  client: string;
  imageId: string;
  method: string;
  status: number;
  bytes: number;
  /** False when the client went away before all was sent. */
  complete: boolean;
  durationMs: number;
}

export interface ImageServerOptions {
  /** The controller's own; the images are in it. */
  dataDir: string;
  host: string;
  port: number;
  clock: Clock;
  onFetch: (fetch: ImageSent) => void;
  /** nginx died and will be started again. */
  onEnd: (end: ProcessEnd) => void;
}

const accessLine = z
  .object({
    client: z.string(),
    imageId: z.uuid(),
    method: z.string(),
    status: z.number(),
    bytes: z.number(),
    completion: z.string(),
    seconds: z.number(),
  })
  .transform(({ completion, seconds, ...rest }) => ({
    ...rest,
    complete: completion === 'OK',
    durationMs: Math.round(seconds * 1000),
  }));

/** Sends images from the kernel's cache to the network through a supervised nginx, at a fraction of the CPU that it costs here. */
export class ImageServer {
  private readonly process: SupervisedProcess;
  private readonly config: string;

  constructor(private readonly options: ImageServerOptions) {
    const { dataDir, clock, onEnd } = options;
    this.config = join(dataDir, nginxDirectory, 'nginx.conf');
    this.process = new SupervisedProcess({
      file: 'nginx',
      args: ['-p', dataDir, '-c', this.config, '-e', 'stderr'],
      debianPackage: 'nginx-light',
      clock,
      throughPipe: true,
      isReady: (line) => line.includes('getrlimit(RLIMIT_NOFILE)'), // the last it says, with its port open
      onLine: (line) => this.onLine(line),
      onEnd,
    });
  }

  /** Throws DomainError `program-missing` when there is no nginx, `program-not-started` when the port is taken. */
  async start(): Promise<void> {
    await mkdir(join(this.options.dataDir, nginxDirectory), { recursive: true });
    await writeFile(this.config, renderNginxConfig(this.options));
    await this.process.start();
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** Where the stored file of an image is served under this host name or address; undefined while nginx does not run. */
  urlOf({ id, sha256 }: Pick<Image, 'id' | 'sha256'>, host: string): string | undefined {
    if (this.process.pid === null) return undefined;
    return `http://${host}:${this.options.port}/boot/images/${id}/${sha256}`;
  }

  private onLine(line: string): void {
    if (!line.startsWith('{')) return; // a word of nginx's own, which is kept for when it dies
    const fetch = accessLine.safeParse(JSON.parse(line));
    if (fetch.success) this.options.onFetch(fetch.data); // any other path is answered 404, and nobody's
  }
}
