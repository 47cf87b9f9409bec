import { FakeClock } from '#testing';
import { describe, expect, it } from 'vitest';
import { BlockSource } from './block-source.js';
import { bufferContent, type TftpContent } from './content.js';
import { encodeAck, encodeError, encodeOack, parsePacket } from './packets.js';
import { Transfer, type TransferOutcome } from './transfer.js';

interface Setup {
  sizeBytes?: number;
  blockSize?: number;
  windowSize?: number;
  withOptions?: boolean;
  content?: TftpContent;
}

/** A transfer whose client is the test: `sent` is what left since it was last looked at. */
class Exchange {
  readonly clock = new FakeClock();
  readonly outcomes: TransferOutcome[] = [];
  readonly transfer: Transfer;
  private packets: Buffer[] = [];

  constructor({
    sizeBytes = 2000,
    blockSize = 512,
    windowSize = 1,
    withOptions = false,
    content,
  }: Setup = {}) {
    const bytes = content ?? bufferContent(Buffer.alloc(sizeBytes, 7));
    this.transfer = new Transfer({
      source: new BlockSource(bytes, blockSize, windowSize),
      windowSize,
      oack: withOptions ? encodeOack([['windowsize', String(windowSize)]]) : null,
      timing: { initialMs: 500, minMs: 50, maxMs: 2000, maxTries: 3 },
      clock: this.clock,
      send: (packet) => this.packets.push(Buffer.from(packet)),
      onEnd: (outcome) => this.outcomes.push(outcome),
    });
    this.transfer.start();
  }

  ack(block: number): void {
    this.transfer.receive(encodeAck(block));
  }

  sent(): (number | string)[] {
    const packets = this.packets.map(parsePacket);
    this.packets = [];
    return packets.map((packet) => (packet.kind === 'data' ? packet.block : packet.kind));
  }
}

describe('a transfer', () => {
  it('sends block after block as they are acknowledged, and ends with the short one', () => {
    const exchange = new Exchange();
    for (const block of [1, 2, 3, 4]) {
      expect(exchange.sent()).toEqual([block]);
      exchange.ack(block);
    }
    expect(exchange.sent()).toEqual([]);
    expect(exchange.outcomes).toEqual([{ kind: 'completed', retransmissions: 0 }]);
    expect(exchange.clock.pending).toBe(0);
  });

  it('ends with an empty block when the size is a multiple of the block size', () => {
    const exchange = new Exchange({ sizeBytes: 512 });
    exchange.ack(1);
    expect(exchange.sent()).toEqual([1, 2]);
    exchange.ack(2);
    expect(exchange.outcomes).toHaveLength(1);
  });

  it('sends the OACK first, and data once it is acknowledged', () => {
    const exchange = new Exchange({ withOptions: true });
    expect(exchange.sent()).toEqual(['oack']);
    exchange.ack(0);
    expect(exchange.sent()).toEqual([1]);
  });

  it('sends nothing for acknowledgements that are repeated, old or ahead of what was sent', () => {
    const exchange = new Exchange();
    exchange.ack(1);
    exchange.ack(2);
    exchange.sent();
    for (const block of [2, 2, 1, 0, 4, 65_535]) exchange.ack(block);
    expect(exchange.sent()).toEqual([]);
  });

  it('sends a window at a time', () => {
    const exchange = new Exchange({ windowSize: 3, withOptions: true, sizeBytes: 5 * 512 });
    exchange.ack(0);
    expect(exchange.sent()).toEqual(['oack', 1, 2, 3]);
    exchange.ack(3);
    expect(exchange.sent()).toEqual([4, 5, 6]);
  });

  it('goes on behind the last block that arrived in order', () => {
    const exchange = new Exchange({ windowSize: 4, withOptions: true, sizeBytes: 50 * 512 });
    exchange.ack(0);
    exchange.sent();
    exchange.ack(2);
    expect(exchange.sent()).toEqual([3, 4, 5, 6]);
  });

  it('sends a window again, once, when its first block was lost', async () => {
    const exchange = new Exchange({ windowSize: 4, withOptions: true, sizeBytes: 50 * 512 });
    await exchange.clock.advance(10);
    exchange.ack(0);
    await exchange.clock.advance(10);
    exchange.ack(4);
    exchange.sent();
    exchange.ack(4); // a twin of the first: no block of the new window can have arrived yet
    expect(exchange.sent()).toEqual([]);
    await exchange.clock.advance(10);
    exchange.ack(4);
    expect(exchange.sent()).toEqual([5, 6, 7, 8]);
    await exchange.clock.advance(10);
    exchange.ack(4);
    expect(exchange.sent()).toEqual([]);
  });

  it('counts on past block 65,535, which 0 follows', () => {
    const exchange = new Exchange({ blockSize: 8, windowSize: 64, withOptions: true, sizeBytes: 8 * 70_000 });
    exchange.ack(0);
    const blocks: (number | string)[] = [];
    for (let sent = exchange.sent(); sent.length > 0; sent = exchange.sent()) {
      blocks.push(...sent);
      exchange.ack(Number(sent.at(-1)));
    }
    expect(blocks).toHaveLength(70_002); // with the OACK
    expect(blocks.slice(65_534, 65_539)).toEqual([65_534, 65_535, 0, 1, 2]);
    expect(exchange.outcomes).toEqual([{ kind: 'completed', retransmissions: 0 }]);
  });

  it('sends again with growing pauses, and gives up after its tries', async () => {
    const exchange = new Exchange();
    expect(exchange.sent()).toEqual([1]);
    for (const pauseMs of [500, 1000, 2000]) {
      await exchange.clock.advance(pauseMs - 1);
      expect(exchange.sent()).toEqual([]);
      await exchange.clock.advance(1);
      expect(exchange.sent()).toEqual([1]);
    }
    await exchange.clock.advance(2000);
    expect(exchange.outcomes).toEqual([
      { kind: 'failed', reason: 'the client stopped answering after block 0 of 4' },
    ]);
    expect(exchange.clock.pending).toBe(0);
  });

  it('sends again sooner to a client that answers fast', async () => {
    const exchange = new Exchange();
    await exchange.clock.advance(1);
    exchange.ack(1);
    await exchange.clock.advance(50);
    expect(exchange.sent()).toEqual([1, 2, 2]);
  });

  it('says so when only the last acknowledgement is missing', async () => {
    const exchange = new Exchange({ sizeBytes: 10 });
    await exchange.clock.advance(10_000);
    expect(exchange.outcomes).toEqual([
      { kind: 'failed', reason: 'the client did not acknowledge the last block' },
    ]);
  });

  it('is complete for a client that asks for the next file with the last block on the way', () => {
    const exchange = new Exchange({ sizeBytes: 600 });
    exchange.transfer.supersede();
    expect(exchange.outcomes).toEqual([{ kind: 'failed', reason: 'the client asked anew' }]);
    const nearlyDone = new Exchange({ sizeBytes: 600 });
    nearlyDone.ack(1);
    nearlyDone.transfer.supersede();
    expect(nearlyDone.outcomes).toEqual([{ kind: 'completed', retransmissions: 0 }]);
  });

  it('ends when the client sends an error', () => {
    const exchange = new Exchange({ withOptions: true });
    exchange.transfer.receive(encodeError(8, 'size is enough'));
    exchange.ack(0);
    expect(exchange.sent()).toEqual(['oack']);
    expect(exchange.outcomes).toEqual([
      { kind: 'aborted', reason: 'the client sent error 8: size is enough' },
    ]);
  });

  it('is not disturbed by noise from the client', () => {
    const exchange = new Exchange();
    exchange.sent();
    for (const noise of [[], [0], [0, 4], [0, 4, 1], [9, 9, 9, 9], [0, 1, 65, 0], [0, 3, 0, 1, 5]]) {
      exchange.transfer.receive(Buffer.from(noise));
    }
    expect(exchange.sent()).toEqual([]);
    exchange.ack(1);
    expect(exchange.sent()).toEqual([2]);
  });

  it('fails when a later part of the content cannot be read, after all that could', async () => {
    const read = (offset: number, lengthBytes: number) =>
      offset === 0 ? Buffer.alloc(lengthBytes) : Promise.reject(new Error('disk fault'));
    const blockSize = 64 * 1024;
    const exchange = new Exchange({ content: { sizeBytes: 1024 * 1024, read }, blockSize });
    for (const block of [1, 2, 3, 4]) exchange.ack(block);
    await exchange.clock.advance(0);
    expect(exchange.sent()).toEqual([1, 2, 3, 4]);
    expect(exchange.outcomes).toMatchObject([{ kind: 'failed' }]);
  });

  it('fails when the content cannot be read', async () => {
    const content = { sizeBytes: 5000, read: () => Promise.reject(new Error('disk fault')) };
    const exchange = new Exchange({ content });
    await exchange.clock.advance(0);
    expect(exchange.outcomes).toEqual([
      { kind: 'failed', reason: expect.stringContaining('could not be read: Error: disk fault') },
    ]);
  });
});
