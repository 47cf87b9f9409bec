import { encodeData } from './packets.js';

const HEADER_BYTES = 4;
const DATA_OPCODE = 3;

/**
 * The DATA packets of a transfer, built in one piece of memory that stays in the processor's cache instead of one allocation
 * per packet. A packet that the system could not take at once may be overwritten by a later block before it leaves: that is a
 * whole packet too, so it is as if the earlier one was lost. The last block, which is shorter, has memory of its own.
 */
export class PacketRing {
  private packets: Buffer[] | null = null;

  constructor(
    private readonly blockSize: number,
    private readonly count: number,
  ) {}

  /** The packet of block `number`, counted without end. */
  data(number: number, payload: Buffer): Buffer {
    if (payload.length < this.blockSize) return encodeData(number & 0xffff, payload);
    this.packets ??= this.allocate();
    const packet = this.packets[number % this.count] as Buffer; // there are `count` of them
    packet[2] = (number >> 8) & 0xff;
    packet[3] = number & 0xff;
    packet.set(payload, HEADER_BYTES);
    return packet;
  }

  private allocate(): Buffer[] {
    const packetBytes = HEADER_BYTES + this.blockSize;
    const memory = Buffer.alloc(packetBytes * this.count);
    return Array.from({ length: this.count }, (_, index) => {
      const packet = memory.subarray(index * packetBytes, (index + 1) * packetBytes);
      packet[1] = DATA_OPCODE;
      return packet;
    });
  }
}
