import { open } from 'node:fs/promises';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DomainError } from '#core';
import type { StreamingProcess, StreamingProcesses } from '#platform';
import type { ExtFileSystem } from './ext-superblock.js';
import { bytesToTellPacking, packingOf, recogniseFileSystem } from './image-format.js';
import { chunkBytes, DigestTap, FileTap, HeadTap } from './stream-meters.js';

export interface ImportRequest {
  /** Of the source, as the operator has it; lower-case hexadecimal. */
  expectedSha256: string;
  /** What the sender announced; undefined: it did not say. */
  expectedBytes?: number;
  signal?: AbortSignal;
}

export interface StoredImage {
  sha256: string;
  sourceSha256: string;
  compressedBytes: number;
  uncompressedBytes: number;
  fileSystem: string;
}

const compressing = ['-3', '-T0', '-q', '-c'];
const decompressing = ['-d', '-q', '-c'];

/** The taps that a stream of image data passes on its way to the disk. */
class Taps {
  readonly source = new DigestTap();
  readonly fileSystem = new HeadTap<ExtFileSystem>(recogniseFileSystem);
  readonly stored = new DigestTap();
}

/** Reads the source to its end into `file`, compressed, and checks all that can be checked. */
export async function importStream(
  source: Readable,
  file: string,
  request: ImportRequest,
  processes: StreamingProcesses,
): Promise<StoredImage> {
  const { head, all } = await peek(source);
  const taps = new Taps();
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([stop.signal, request.signal]) : stop.signal;
  const handle = await open(file, 'wx');
  try {
    const disk = new FileTap(handle);
    const input = Readable.from(all, { objectMode: false, highWaterMark: chunkBytes });
    if (packingOf(head) === 'zstd') {
      // Stored as it came; decompressed only to see what it is and that it is whole.
      const zstd = processes.start('zstd', decompressing, signal);
      await together({ stop, signal }, zstd, [
        pipeline(input, taps.source, disk, taps.stored, zstd.stdin, { signal }),
        pipeline(zstd.stdout, taps.fileSystem, nowhere(), { signal }),
      ]);
    } else {
      const unpack = packingOf(head) === 'gzip' ? createGunzip({ chunkSize: chunkBytes }) : new PassThrough();
      const zstd = processes.start('zstd', compressing, signal);
      await together({ stop, signal }, zstd, [
        pipeline(input, taps.source, unpack, taps.fileSystem, zstd.stdin, { signal }),
        pipeline(zstd.stdout, taps.stored, disk, nowhere(), { signal }),
      ]);
    }
    const image = check(taps, request);
    await handle.sync();
    return image;
  } finally {
    await handle.close();
  }
}

/** Looks at the first bytes of a stream without taking them from it; leaves the stream alive when reading stops. */
async function peek(source: Readable): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const chunks = received(source);
  const first: Buffer[] = [];
  let head = Buffer.alloc(0);
  while (head.length < bytesToTellPacking) {
    const { done, value } = await chunks.next();
    if (done) break;
    first.push(value);
    head = Buffer.concat([head, value]);
  }
  async function* all() {
    yield* first;
    yield* chunks;
  }
  return { head, all: all() };
}

async function* received(source: Readable): AsyncGenerator<Buffer, undefined> {
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (cause) {
    throw new DomainError('upload-incomplete', 'The sender stopped before the end of the image.', {
      cause,
      remedy: 'Send the image again; nothing of it was kept.',
    });
  }
}

function nowhere(): Writable {
  return new Writable({ highWaterMark: chunkBytes, write: (_chunk, _encoding, done) => done() });
}

/**
 * Waits for all legs of the work and for the program they pass through; the first failure stops the others.
 * A broken pipe is not the failure but its echo: the program says itself why it ended.
 */
async function together(
  { stop, signal }: { stop: AbortController; signal: AbortSignal },
  zstd: StreamingProcess,
  legs: Promise<void>[],
): Promise<void> {
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort();
  };
  const ended = zstd.ended.then(({ exitCode, stderr }) => {
    if (exitCode !== 0 && !signal.aborted) fail(damaged(stderr));
  }, fail);
  const watched = legs.map((leg) =>
    leg.catch((error: NodeJS.ErrnoException) => (isEcho(error) ? undefined : fail(named(error)))),
  );
  await Promise.all([ended, ...watched]);
  if (failure !== undefined) throw failure as Error;
}

function isEcho({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** What zlib throws at bad gzip data has a code that begins with Z_. */
function named(error: NodeJS.ErrnoException): unknown {
  return error.code?.startsWith('Z_') ? damaged(error.message) : error;
}

function damaged(said: string): DomainError {
  return new DomainError('image-invalid', `The image cannot be decompressed: ${said || 'no reason given'}.`, {
    remedy: 'It was damaged or cut short. Test it where it comes from (zstd -t, gzip -t) and send it again.',
  });
}

function check(taps: Taps, request: ImportRequest): StoredImage {
  const { source, stored } = taps;
  const fileSystem = taps.fileSystem.recognised as ExtFileSystem; // else the leg had failed
  if (request.expectedBytes !== undefined && request.expectedBytes !== source.bytes)
    throw new DomainError(
      'upload-incomplete',
      `${request.expectedBytes} bytes were announced, ${source.bytes} came.`,
      {
        remedy: 'Send the image again; nothing of it was kept.',
      },
    );
  const sourceSha256 = source.sha256();
  if (sourceSha256 !== request.expectedSha256)
    throw new DomainError(
      'image-checksum-mismatch',
      `The image should have SHA-256 ${request.expectedSha256}, but what came has ${sourceSha256}.`,
      {
        remedy: 'Check the digest and send the image again; nothing of it was kept.',
        context: { expected: request.expectedSha256, found: sourceSha256, bytes: source.bytes },
      },
    );
  const uncompressedBytes = taps.fileSystem.bytes;
  if (uncompressedBytes < fileSystem.sizeBytes)
    throw new DomainError(
      'image-invalid',
      `The ${fileSystem.type} file system has ${fileSystem.sizeBytes} bytes, but the image only ${uncompressedBytes}: it was cut short.`,
      { remedy: 'Make the image anew from the whole file system.' },
    );
  return {
    sha256: stored.sha256(),
    sourceSha256,
    compressedBytes: stored.bytes,
    uncompressedBytes,
    fileSystem: fileSystem.type,
  };
}
