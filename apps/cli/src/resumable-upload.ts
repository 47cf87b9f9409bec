import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { DomainError } from '#core';
import { ApiProblem } from './api-problem.js';
import type { Sleep } from './event-stream.js';
import type { HttpTransport } from './http-transport.js';
import { counted } from './image-upload.js';
import type { Following } from './image-work.js';
import { unreadableFile } from './input-files.js';

export interface ResumableUpload extends Following {
  file: string;
  /** Of the file, which its upload is called after: whoever sends the same file goes on where the last one stopped. */
  digest: string;
}

/** Attempts in a row that bring nothing further. */
const mostAttempts = 6;
const firstPauseMs = 500;

const path = '/v1/uploads';
/** The protocol tus 1.0.0 (tus.io): core, and the extension creation. */
const tus = { 'tus-resumable': '1.0.0' };

/** Sends a file, and goes on after a connection that broke; what has arrived also outlives this program. */
export async function sendResumably(
  transport: HttpTransport,
  { file, digest, onProgress, signal }: ResumableUpload,
  sleep: Sleep,
): Promise<string> {
  const { size: totalBytes } = await stat(file).catch((error: unknown) => {
    throw unreadableFile(file, error);
  });
  const report = (doneBytes: number) => onProgress?.({ stage: 'send', doneBytes, totalBytes });
  const upload = new Upload(transport, { file, digest, totalBytes }, report, signal);
  let failures = 0;
  for (let farthest = -1; ;) {
    try {
      const offset = await upload.begin();
      if (offset === totalBytes) return digest;
      if (offset > farthest) failures = 0;
      farthest = Math.max(farthest, offset);
      await upload.append(offset);
    } catch (error) {
      failures += 1;
      if (!mayPass(error) || failures === mostAttempts) throw error;
      await sleep(firstPauseMs * 2 ** failures, signal);
    }
  }
}

class Upload {
  constructor(
    private readonly transport: HttpTransport,
    private readonly source: { file: string; digest: string; totalBytes: number },
    private readonly report: (sentBytes: number) => void,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** How much of it has arrived already; it is there afterwards. */
  async begin(): Promise<number> {
    const { digest, totalBytes } = this.source;
    const found = await this.ask('HEAD', `${path}/${digest}`).catch((error: unknown) => {
      if (error instanceof ApiProblem && (error.status === 404 || error.status === 410)) return undefined;
      throw error;
    });
    if (found && Number(found.headers.get('upload-length')) === totalBytes)
      return Number(found.headers.get('upload-offset'));
    await this.ask('POST', path, {
      'upload-length': String(totalBytes),
      'upload-metadata': `digest ${Buffer.from(digest).toString('base64')}`,
    });
    return 0;
  }

  async append(offset: number): Promise<void> {
    const { file, digest, totalBytes } = this.source;
    this.report(offset);
    const content = counted(
      createReadStream(file, { start: offset, highWaterMark: 1 << 18 }),
      this.report,
      offset,
    );
    await this.transport.send({
      method: 'PATCH',
      path: `${path}/${digest}`,
      headers: {
        ...tus,
        'content-type': 'application/offset+octet-stream',
        'content-length': String(totalBytes - offset),
        'upload-offset': String(offset),
      },
      content: Readable.from(content, { objectMode: false }),
      signal: this.signal,
    });
  }

  private async ask(method: 'HEAD' | 'POST', at: string, headers: Record<string, string> = {}) {
    return await this.transport.send({
      method,
      path: at,
      headers: { ...tus, ...headers },
      signal: this.signal,
    });
  }
}

/** Somebody else sends the same (tus: 409, 423), or the controller or the way to it is down for a moment. */
const passing = new Set([409, 423, 500, 502, 503, 504]);

function mayPass(error: unknown): boolean {
  if (error instanceof ApiProblem) return passing.has(error.status);
  return error instanceof DomainError && error.code === 'controller-unreachable';
}
