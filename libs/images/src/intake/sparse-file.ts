import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { chunkBytes } from './stream-meters.js';

/** As much as a pipe gives at a time, and what file systems make holes of. */
const blockBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

/** Writes what comes to a new file; where it is zeros, the file takes no space. */
export class SparseFile extends Writable {
  private at = 0;

  constructor(private readonly file: FileHandle) {
    super({ highWaterMark: chunkBytes });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.put(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.file.truncate(this.at).then(() => done(), done);
  }

  private async put(chunk: Buffer): Promise<void> {
    for (let start = 0; start < chunk.length; start += blockBytes) {
      const block = chunk.subarray(start, start + blockBytes);
      if (!block.equals(zeros.subarray(0, block.length))) await this.writeAll(block);
      this.at += block.length;
    }
  }

  private async writeAll(block: Buffer): Promise<void> {
    let written = 0;
    while (written < block.length) {
      const { bytesWritten } = await this.file.write(
        block,
        written,
        block.length - written,
        this.at + written,
      );
      written += bytesWritten;
    }
  }
}
