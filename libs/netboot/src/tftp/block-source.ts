import { DomainError } from '#core';
import type { TftpContent } from './content.js';

const READ_AHEAD_BYTES = 256 * 1024;

/**
 * The content as numbered blocks, read in large pieces and a piece ahead of the client. The piece before the current one is
 * kept, since a lost packet sends a transfer back by at most one window, and a piece holds two of them.
 */
export class BlockSource {
  /** The block that ends the transfer: the first one shorter than the block size, possibly empty. */
  readonly lastBlock: number;
  private readonly pieceBytes: number;
  private readonly pieces = new Map<number, Buffer | Promise<void>>();

  constructor(
    private readonly content: TftpContent,
    readonly blockSize: number,
    windowSize: number,
  ) {
    this.lastBlock = Math.floor(content.sizeBytes / blockSize) + 1;
    const blocksPerPiece = Math.max(windowSize * 2, Math.ceil(READ_AHEAD_BYTES / blockSize));
    this.pieceBytes = blocksPerPiece * blockSize;
  }

  /** The bytes of block `number` (from 1), or the promise after which they are there to be asked for again. */
  block(number: number): Buffer | Promise<void> {
    const offset = (number - 1) * this.blockSize;
    const index = Math.floor(offset / this.pieceBytes);
    const piece = this.pieces.get(index) ?? this.load(index);
    if (!Buffer.isBuffer(piece)) return piece;
    const start = offset - index * this.pieceBytes;
    if (start === 0) this.moveTo(index);
    return piece.subarray(start, start + this.blockSize);
  }

  private moveTo(index: number): void {
    this.pieces.delete(index - 2);
    const nextOffset = (index + 1) * this.pieceBytes;
    if (nextOffset >= this.content.sizeBytes || this.pieces.has(index + 1)) return;
    const next = this.load(index + 1);
    // A failure is met again, and reported, when the transfer arrives there.
    if (!Buffer.isBuffer(next)) next.catch(() => undefined);
  }

  private load(index: number): Buffer | Promise<void> {
    const offset = index * this.pieceBytes;
    const lengthBytes = Math.max(0, Math.min(this.pieceBytes, this.content.sizeBytes - offset));
    if (lengthBytes === 0) return Buffer.alloc(0);
    const read = this.content.read(offset, lengthBytes);
    if (Buffer.isBuffer(read)) return this.keep(index, lengthBytes, read);
    const loading = read.then((bytes) => void this.keep(index, lengthBytes, bytes));
    this.pieces.set(index, loading);
    return loading;
  }

  private keep(index: number, lengthBytes: number, bytes: Buffer): Buffer {
    if (bytes.length !== lengthBytes) {
      throw new DomainError('internal', `the content ended ${lengthBytes - bytes.length} bytes early`);
    }
    this.pieces.set(index, bytes);
    return bytes;
  }
}
