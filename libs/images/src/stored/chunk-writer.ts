import { createHash } from 'node:crypto';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { DomainError, type ImageProgress } from '#core';
import type { StreamingProcesses } from '#platform';
import { type Chunk, chunkList, type Run, runsOf } from './chunks.js';

/** The two files of an image in the library. */
export interface StoredForm {
  /** Of the file with the chunks, in hexadecimal. */
  sha256: string;
  /** Of the list of chunks. */
  chunksSha256: string;
  /** The length of the file with the chunks. */
  compressedBytes: number;
  /** The length of the content. */
  uncompressedBytes: number;
  /** What of it is in chunks. */
  dataBytes: number;
}

interface Packing {
  /** Blocks that are all zeros are in no chunk. */
  holes: boolean;
  onProgress?: (progress: ImageProgress) => void;
}

interface Packed extends Run {
  sha256: string;
  packed: Buffer;
}

/**
 * A frame that zstd skips (RFC 8878, 3.1.2). It ends the stored file and holds the digest of the list: contents of
 * which only the holes differ are different files.
 */
function listFrame(listSha256: Buffer): Buffer {
  const frame = Buffer.alloc(8 + listSha256.length);
  frame.writeUInt32LE(0x184d2a5d, 0);
  frame.writeUInt32LE(listSha256.length, 4);
  listSha256.copy(frame, 8);
  return frame;
}

/** Packs a content chunk by chunk, as many side by side as there are processors. Good for one content. */
export class ChunkWriter {
  private readonly stored = createHash('sha256');
  private readonly chunks: Chunk[] = [];
  private packedBytes = 0;
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;

  constructor(
    private readonly processes: StreamingProcesses,
    caller?: AbortSignal,
  ) {
    this.signal = caller ? AbortSignal.any([this.stop.signal, caller]) : this.stop.signal;
  }

  /**
   * Writes the chunks of the file `content` to `chunks`, and their list to `list`; both are on the disk when it is done.
   */
  async write(content: string, to: { chunks: string; list: string }, options: Packing): Promise<StoredForm> {
    const source = await open(content);
    const target = await open(to.chunks, 'a'); // room may be allocated for it
    try {
      await this.packAll(source, target, options);
      const list = chunkList(this.chunks);
      const listSha256 = createHash('sha256').update(list).digest();
      await this.append(target, listFrame(listSha256));
      await target.truncate(this.packedBytes); // which gives back what room is left
      await target.sync();
      await writeFile(to.list, list, { flush: true });
      return {
        sha256: this.stored.digest('hex'),
        chunksSha256: listSha256.toString('hex'),
        compressedBytes: this.packedBytes,
        uncompressedBytes: (await source.stat()).size,
        dataBytes: this.chunks.reduce((all, { length }) => all + length, 0),
      };
    } finally {
      this.stop.abort(); // what is still packed when something failed
      await Promise.all([source.close(), target.close()]);
    }
  }

  private async packAll(
    source: FileHandle,
    target: FileHandle,
    { holes, onProgress = () => undefined }: Packing,
  ): Promise<void> {
    const { size: totalBytes } = await source.stat();
    const onRead = (doneBytes: number) => onProgress({ stage: 'pack', doneBytes, totalBytes });
    const atATime = availableParallelism();
    const ahead: Promise<Packed>[] = [];
    for await (const run of runsOf(source, { holes, onRead })) {
      if (ahead.length === atATime) await this.add(target, await ahead.shift());
      const packing = this.pack(run);
      packing.catch(() => undefined); // it is awaited in its turn
      ahead.push(packing);
    }
    for (const packing of ahead) await this.add(target, await packing);
  }

  private async pack({ offset, data }: Run): Promise<Packed> {
    const sha256 = createHash('sha256').update(data).digest('hex');
    return { offset, data, sha256, packed: await this.compress(data) };
  }

  /** A frame with its own checksum and length, so that whoever unpacks it knows what memory it takes. */
  private async compress(data: Buffer): Promise<Buffer> {
    const args = ['-3', '-q', '-c', '--single-thread', '--check', `--stream-size=${data.length}`];
    const zstd = this.processes.start('zstd', args, this.signal);
    zstd.stdin.on('error', () => undefined); // it says itself why it stopped reading
    zstd.stdin.end(data);
    const [packed, { exitCode, stderr }] = await Promise.all([buffer(zstd.stdout), zstd.ended]);
    this.signal.throwIfAborted();
    if (exitCode === 0) return packed;
    throw new DomainError(
      'program-not-started',
      `zstd did not pack a chunk: ${stderr || `exit code ${exitCode}`}.`,
      {
        remedy: 'See that the host of the controller has memory left, and import the image again.',
      },
    );
  }

  private async add(target: FileHandle, done: Packed | undefined): Promise<void> {
    if (!done) return;
    const { offset, data, sha256, packed } = done;
    const at = { packedOffset: this.packedBytes, packedLength: packed.length };
    const packedSha256 = createHash('sha256').update(packed).digest('hex');
    this.chunks.push({ offset, length: data.length, ...at, sha256, packedSha256 });
    await this.append(target, packed);
  }

  private async append(target: FileHandle, bytes: Buffer): Promise<void> {
    this.stored.update(bytes);
    this.packedBytes += bytes.length;
    await target.writeFile(bytes); // from the present position on, and all of it
  }
}
