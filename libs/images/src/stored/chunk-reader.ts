import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError, type ImageProgress } from '#core';
import type { StreamingProcesses } from '#platform';
import { type Chunk, chunksOf } from './chunks.js';

/** The two files of an image, and how long its content is. */
interface Stored {
  chunks: Readable;
  list: string;
  uncompressedBytes: number;
}

interface Following {
  signal: AbortSignal;
  onProgress: (progress: ImageProgress) => void;
}

/** Makes a content out of its chunks again, each checked, in a sparse file. Good for one content. */
export class ChunkReader {
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;

  constructor(
    private readonly processes: StreamingProcesses,
    private readonly following: Following,
  ) {
    this.signal = AbortSignal.any([following.signal, this.stop.signal]);
  }

  /** `file` must not exist. Throws DomainError `image-checksum-mismatch` when the files are not what they were. */
  async read({ chunks: packed, list, uncompressedBytes }: Stored, file: string): Promise<void> {
    const target = await open(file, 'wx');
    try {
      await target.truncate(uncompressedBytes);
      const zstd = this.processes.start('zstd', ['-d', '-q', '-c'], this.signal);
      const fed = pipeline(packed, zstd.stdin).catch(() => undefined); // zstd says itself why it stopped reading
      await this.place(zstd.stdout, chunksOf(list), target);
      await fed;
      const { exitCode, stderr } = await zstd.ended;
      if (exitCode !== 0) throw damaged(stderr || `zstd ended with exit code ${exitCode}`);
    } finally {
      this.stop.abort(); // what still unpacks when something failed
      await target.close();
      this.following.signal.throwIfAborted();
    }
  }

  private async place(unpacked: Readable, chunks: readonly Chunk[], target: FileHandle): Promise<void> {
    const totalBytes = chunks.reduce((all, { length }) => all + length, 0);
    const pieces = new Pieces(unpacked);
    let doneBytes = 0;
    for (const [index, { offset, length, sha256 }] of chunks.entries()) {
      this.following.onProgress({ stage: 'unpack', doneBytes, totalBytes });
      const data = await pieces.take(length);
      if (createHash('sha256').update(data).digest('hex') !== sha256)
        throw damaged(`chunk ${index + 1} of ${chunks.length} has another digest than the list says`);
      await writeAll(target, data, offset);
      doneBytes += length;
    }
    if ((await pieces.take(1)).length > 0) throw damaged('there is more than the list says');
  }
}

/** A stream in pieces of the length that is asked for. */
class Pieces {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.source = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Less only at the end, or where the stream broke off. */
  async take(length: number): Promise<Buffer> {
    const parts = [this.rest];
    let held = this.rest.length;
    while (held < length) {
      const { done, value } = await this.source.next().catch(() => ({ done: true, value: undefined }));
      if (done || value === undefined) break;
      parts.push(value);
      held += value.length;
    }
    const all = Buffer.concat(parts);
    this.rest = all.subarray(length);
    return all.subarray(0, length);
  }
}

async function writeAll(target: FileHandle, data: Buffer, offset: number): Promise<void> {
  let written = 0;
  while (written < data.length)
    written += (await target.write(data, written, data.length - written, offset + written)).bytesWritten;
}

function damaged(why: string): DomainError {
  return new DomainError('image-checksum-mismatch', `The stored files of the image are damaged: ${why}.`, {
    remedy: 'Look at the disk of the data directory; then delete the image, and import it again.',
  });
}
