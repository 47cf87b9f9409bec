import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlockSource } from './block-source.js';
import { bufferContent, type TftpContent } from './content.js';

/** A file of which every read takes a turn of the event loop, and which counts them. */
class SlowContent implements TftpContent {
  readonly reads: number[] = [];
  constructor(private readonly bytes: Buffer) {}
  get sizeBytes(): number {
    return this.bytes.length;
  }
  async read(offset: number, lengthBytes: number): Promise<Buffer> {
    this.reads.push(offset);
    return this.bytes.subarray(offset, offset + lengthBytes);
  }
}

async function blockOf(source: BlockSource, number: number): Promise<Buffer> {
  const block = source.block(number);
  if (Buffer.isBuffer(block)) return block;
  await block;
  return blockOf(source, number);
}

describe('a content in blocks', () => {
  it.each([
    [0, 1],
    [511, 1],
    [512, 2],
    [1025, 3],
  ])('of %i bytes ends at block %i', async (sizeBytes, lastBlock) => {
    const source = new BlockSource(bufferContent(randomBytes(sizeBytes)), 512, 1);
    expect(source.lastBlock).toBe(lastBlock);
    expect((await blockOf(source, lastBlock)).length).toBe(sizeBytes % 512);
  });

  it('is read in large pieces, one ahead, and again from the one before without reading', async () => {
    const bytes = randomBytes(1024 * 1024 + 7);
    const content = new SlowContent(bytes);
    const source = new BlockSource(content, 1024, 4);
    const blocks: Buffer[] = [];
    for (let number = 1; number <= source.lastBlock; number += 1) {
      blocks.push(await blockOf(source, number));
      if (number > 4) expect(blocks[number - 5]?.equals(source.block(number - 4) as Buffer)).toBe(true);
    }
    expect(Buffer.concat(blocks).equals(bytes)).toBe(true);
    expect(content.reads).toEqual([0, 1, 2, 3, 4].map((piece) => piece * 256 * 1024));
  });

  it('fails when the content turns out shorter than it said', async () => {
    const short: TftpContent = { sizeBytes: 100, read: () => Promise.resolve(Buffer.alloc(99)) };
    await expect(blockOf(new BlockSource(short, 512, 1), 1)).rejects.toThrow('ended 1 bytes early');
  });
});
