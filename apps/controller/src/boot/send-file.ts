import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { ByteRange } from '#images';

export interface ServedFile {
  sizeBytes: number;
  type: string;
  /** Of the content, when it is known. */
  etag?: string;
  open: (range: ByteRange | undefined) => Readable;
}

/** How the sending went; `complete` is false when the client went away. */
export interface Sent {
  status: number;
  bytes: number;
  complete: boolean;
}

/** Sends a file, or the one range of it that was asked for (RFC 9110, 14). */
export async function sendFile(request: Request, response: Response, file: ServedFile): Promise<Sent> {
  response.set({ 'Content-Type': file.type, 'Accept-Ranges': 'bytes', 'Cache-Control': 'no-store' });
  if (file.etag !== undefined) response.set('ETag', `"${file.etag}"`);
  const range = rangeOf(request, file);
  if (range === 'unsatisfiable') {
    response.status(416).set('Content-Range', `bytes */${file.sizeBytes}`).end();
    return { status: 416, bytes: 0, complete: true };
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  if (range) response.status(206).set('Content-Range', `bytes ${start}-${end}/${file.sizeBytes}`);
  response.set('Content-Length', String(end - start + 1));
  const status = response.statusCode;
  if (request.method === 'HEAD' || end < start) {
    response.end();
    return { status, bytes: 0, complete: true };
  }
  return stream(response, file.open(range), status);
}

async function stream(response: Response, source: Readable, status: number): Promise<Sent> {
  let bytes = 0;
  source.on('data', (chunk: Buffer) => (bytes += chunk.length));
  try {
    await pipeline(source, response);
    return { status, bytes, complete: true };
  } catch (error) {
    if (!response.headersSent) throw error; // the file could not be read at all
    response.destroy(); // a length was promised: the client must see that it was not kept
    return { status, bytes, complete: false };
  }
}

/** A malformed range, several ranges and a range of another version are answered with the whole. */
function rangeOf(request: Request, { sizeBytes, etag }: ServedFile): ByteRange | 'unsatisfiable' | undefined {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== `"${etag}"`) return undefined;
  const ranges = request.range(sizeBytes);
  if (ranges === -1) return 'unsatisfiable';
  const only =
    Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined;
  return only && { start: only.start, end: only.end };
}
