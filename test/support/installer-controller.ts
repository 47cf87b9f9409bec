import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { text } from 'node:stream/consumers';

/** How the server hands out the image, request by request; the last way repeats. */
export type Serving = 'whole' | 'cut' | 'short' | 'corrupt' | 'missing' | 'busy' | 'cut without ranges';

export interface Notification {
  state: string;
  progress?: number;
  message?: string;
}

/** The two files of an image. */
export interface ImageFiles {
  chunks: string;
  list: string;
}

/** A controller as the installer sees it: image, its list of chunks, notify and log, over real HTTP. */
export class InstallerController {
  readonly notifications: Notification[] = [];
  readonly tokens = new Set<string | undefined>();
  /** Of the image, as they were asked for. */
  readonly ranges: (string | undefined)[] = [];
  log = '';
  servings: Serving[] = ['whole'];
  listServings: Serving[] = ['whole'];
  /** By the size of the sectors that are asked for. */
  configDrives: Record<string, Buffer> = {};
  /** How it is sent, request by request; the last way repeats. */
  driveServings: ('whole' | 'corrupt' | 'busy')[] = ['whole'];
  /** What notify answers, request by request; afterwards 204. */
  notifyStatuses: number[] = [];
  url = '';
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  constructor(private readonly image: ImageFiles) {}

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return this.sendFile(request, response);
    const body = await text(request);
    this.tokens.add(request.headers.authorization);
    const isNotify = request.url?.endsWith('/notify') ?? false;
    const status = (isNotify ? this.notifyStatuses.shift() : undefined) ?? 204;
    if (isNotify && status === 204) this.notifications.push(JSON.parse(body) as Notification);
    else if (!isNotify) this.log += body;
    response.writeHead(status).end();
  }

  private sendFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.endsWith('/chunks'))
      return send(this.image.list, next(this.listServings), undefined, response);
    if (request.url?.includes('/config-drive?')) return Promise.resolve(this.sendDrive(request, response));
    const { range } = request.headers;
    this.ranges.push(range);
    return send(this.image.chunks, next(this.servings), range, response);
  }

  private sendDrive(request: IncomingMessage, response: ServerResponse): void {
    this.tokens.add(request.headers.authorization);
    const sectors = new URL(request.url ?? '', this.url).searchParams.get('sectorBytes') ?? '';
    const drive = this.configDrives[sectors];
    const serving =
      (this.driveServings.length > 1 ? this.driveServings.shift() : this.driveServings[0]) ?? 'whole';
    if (!drive || serving === 'busy') return void response.writeHead(drive ? 503 : 404).end();
    const digest = createHash('sha256').update(drive).digest('base64');
    response.writeHead(200, { 'repr-digest': `sha-256=:${digest}:` });
    response.end(serving === 'corrupt' ? damaged(drive) : drive);
  }
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) ^ 0xff;
  return copy;
}

function next(servings: Serving[]): Serving {
  return (servings.length > 1 ? servings.shift() : servings[0]) ?? 'whole';
}

async function send(
  file: string,
  serving: Serving,
  range: string | undefined,
  response: ServerResponse,
): Promise<void> {
  if (serving === 'missing' || serving === 'busy')
    return void response.writeHead(serving === 'busy' ? 503 : 404).end();
  const { size } = await stat(file);
  const hasRanges = range !== undefined && serving !== 'cut without ranges';
  const start = hasRanges ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
  const length = size - start - (serving === 'short' ? Math.min(1000, size >> 1) : 0);
  const contentRange = `bytes ${start}-${size - 1}/${size}`;
  const headers = { 'content-length': length, ...(hasRanges && { 'content-range': contentRange }) };
  response.writeHead(hasRanges ? 206 : 200, headers);
  const sent = serving.startsWith('cut') ? length >> 1 : length;
  const source = createReadStream(file, { start, end: start + sent - 1 });
  if (serving === 'corrupt') return void source.pipe(damage(length >> 1)).pipe(response);
  source.pipe(response, { end: !serving.startsWith('cut') });
  if (serving.startsWith('cut')) source.on('end', () => setTimeout(() => response.destroy(), 50));
}

/** Turns one byte of a stream over. */
function damage(at: number): Transform {
  let passed = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const inside = at - passed;
      if (inside >= 0 && inside < piece.length) piece[inside] = (piece[inside] ?? 0) ^ 0xff;
      passed += piece.length;
      done(null, piece);
    },
  });
}
