import type { Clock } from '#platform';
import type { BlockSource } from './block-source.js';
import { PacketRing } from './packet-ring.js';
import { ackedBlock, parsePacket } from './packets.js';
import { RetransmissionTimer, type RetransmissionTiming } from './retransmission-timer.js';

export type TransferOutcome =
  | { kind: 'completed'; retransmissions: number }
  /** The client sent an ERROR. Boot ROMs do so as a rule, when all they wanted was the size. */
  | { kind: 'aborted'; reason: string }
  | { kind: 'failed'; reason: string };

export interface TransferOptions {
  source: BlockSource;
  windowSize: number;
  /** Sent first and acknowledged with block 0, when options were accepted. */
  oack: Buffer | null;
  timing: RetransmissionTiming;
  clock: Clock;
  /** The packet's memory is used again for a later one. */
  send: (packet: Buffer) => void;
  onEnd: (outcome: TransferOutcome) => void;
}

/** The number of the OACK in the sequence: what precedes it is acknowledged before the transfer begins. */
const OACK_BLOCK = 0;

/**
 * One read by one client. Blocks are counted on without end; only the wire wraps them at 65,536.
 *
 * What makes it move is an ACK for something that is in flight. An ACK inside the window means a gap behind it (RFC 7440): the
 * sending goes on from there. A repeated ACK sends nothing (the sorcerer's apprentice), except once per window when it can only
 * mean that the window's first block was lost.
 */
export class Transfer {
  private acked: number;
  private sent: number;
  private gapAnsweredAt = -1;
  private loading = false;
  private ended = false;
  private retransmissions = 0;
  private readonly timer: RetransmissionTimer;
  private readonly ring: PacketRing;

  constructor(private readonly options: TransferOptions) {
    this.acked = options.oack === null ? OACK_BLOCK : OACK_BLOCK - 1;
    this.sent = this.acked;
    this.ring = new PacketRing(options.source, options.windowSize);
    this.timer = new RetransmissionTimer(options.clock, options.timing, (outOfTries) =>
      this.timedOut(outOfTries),
    );
  }

  start(): void {
    this.sendWindow();
  }

  receive(packet: Buffer): void {
    if (this.ended) return;
    const block = ackedBlock(packet);
    if (block < 0) return this.receiveOther(packet);
    const ahead = (block - (this.acked & 0xffff)) & 0xffff;
    if (ahead === 0) return this.repeatedAck();
    if (ahead <= this.sent - this.acked) this.advance(this.acked + ahead);
  }

  /** The client had begun, and does not answer any more: the same request again means that it starts over. */
  get isStalled(): boolean {
    return this.acked > OACK_BLOCK && this.timer.isRetrying;
  }

  /** The client asked for something else. After the last block it has what it wanted, and its ACK is on another way to us. */
  supersede(): void {
    if (this.sent === this.options.source.lastBlock) {
      return this.end({ kind: 'completed', retransmissions: this.retransmissions });
    }
    this.fail('the client asked anew');
  }

  fail(reason: string): void {
    this.end({ kind: 'failed', reason });
  }

  private receiveOther(packet: Buffer): void {
    const parsed = parsePacket(packet);
    // Anything else from the client's own port is noise: the timer and its next ACK put things right.
    if (parsed.kind !== 'error') return;
    this.end({ kind: 'aborted', reason: `the client sent error ${parsed.code}: ${parsed.message}` });
  }

  private advance(block: number): void {
    this.timer.answered(this.options.clock.monotonicMs());
    if (block < this.sent) this.retransmissions += 1;
    this.acked = block;
    this.sent = block;
    if (block === this.options.source.lastBlock) {
      return this.end({ kind: 'completed', retransmissions: this.retransmissions });
    }
    this.sendWindow();
  }

  private repeatedAck(): void {
    const { windowSize, clock } = this.options;
    if (windowSize === 1 || this.acked <= OACK_BLOCK || this.gapAnsweredAt === this.acked) return;
    if (this.timer.isTooSoonForAnswer(clock.monotonicMs())) return;
    this.gapAnsweredAt = this.acked;
    this.sendAgain();
  }

  private timedOut(outOfTries: boolean): void {
    if (outOfTries) return this.fail(this.silence());
    this.sendAgain();
  }

  private silence(): string {
    if (this.acked < OACK_BLOCK) return 'the client did not answer the options';
    if (this.sent === this.options.source.lastBlock) return 'the client did not acknowledge the last block';
    return `the client stopped answering after block ${this.acked} of ${this.options.source.lastBlock}`;
  }

  private sendAgain(): void {
    this.retransmissions += 1;
    this.sent = this.acked;
    this.sendWindow();
  }

  private sendWindow(): void {
    if (this.loading) return;
    const { source, windowSize, oack, send, clock } = this.options;
    if (this.acked < OACK_BLOCK && oack !== null) {
      send(oack);
      this.sent = OACK_BLOCK;
    } else {
      const end = Math.min(this.acked + windowSize, source.lastBlock);
      while (this.sent < end) {
        const packet = this.ring.packet(this.sent + 1);
        if (!Buffer.isBuffer(packet)) return this.resumeAfter(packet);
        this.sent += 1;
        send(packet);
      }
    }
    this.timer.sent(clock.monotonicMs());
    this.ring.prepare(this.sent + 1, Math.min(this.sent + windowSize, source.lastBlock - 1));
  }

  private resumeAfter(loading: Promise<void>): void {
    this.loading = true;
    this.timer.stop();
    loading.then(
      () => {
        this.loading = false;
        if (!this.ended) this.sendWindow();
      },
      (error: unknown) => this.fail(`the content could not be read: ${String(error)}`),
    );
  }

  private end(outcome: TransferOutcome): void {
    if (this.ended) return;
    this.ended = true;
    this.timer.stop();
    this.options.onEnd(outcome);
  }
}
