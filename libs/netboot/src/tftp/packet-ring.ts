import type { BlockSource } from './block-source.js';
import { encodeData } from './packets.js';

const HEADER_BYTES = 4;
const DATA_OPCODE = 3;

/**
 * The DATA packets of this window and the next, built in one piece of memory that stays in the processor's cache. A packet that
 * the system could not take at once may be overwritten by a later block before it leaves: that is a whole packet too, so it is
 * as if the earlier one was lost. The last block, which is shorter, has memory of its own.
 */
export class PacketRing {
  private readonly count: number;
  private readonly built: number[] = [];
  private packets: Buffer[] | null = null;

  constructor(
    private readonly source: BlockSource,
    windowSize: number,
  ) {
    this.count = windowSize * 2;
  }

  /** The packet of block `number`, counted without end; or the promise after which it can be asked for again. */
  packet(number: number): Buffer | Promise<void> {
    const slot = number % this.count;
    const ready = this.built[slot] === number ? this.packets?.[slot] : undefined;
    return ready ?? this.build(number, slot);
  }

  /** Builds what will be sent next, while the client is busy with what was sent. */
  prepare(first: number, last: number): void {
    for (let number = first; number <= last; number += 1) {
      const packet = this.packet(number);
      if (Buffer.isBuffer(packet)) continue;
      packet.catch(() => undefined); // met again, and reported, when it is to be sent
      return;
    }
  }

  private build(number: number, slot: number): Buffer | Promise<void> {
    const payload = this.source.block(number);
    if (!Buffer.isBuffer(payload)) return payload;
    if (payload.length < this.source.blockSize) return encodeData(number & 0xffff, payload);
    this.packets ??= this.allocate();
    const packet = this.packets[slot] as Buffer; // slots are below `count`
    packet[2] = (number >> 8) & 0xff;
    packet[3] = number & 0xff;
    packet.set(payload, HEADER_BYTES);
    this.built[slot] = number;
    return packet;
  }

  private allocate(): Buffer[] {
    const packetBytes = HEADER_BYTES + this.source.blockSize;
    const memory = Buffer.alloc(packetBytes * this.count);
    return Array.from({ length: this.count }, (_, index) => {
      const packet = memory.subarray(index * packetBytes, (index + 1) * packetBytes);
      packet[1] = DATA_OPCODE;
      return packet;
    });
  }
}
