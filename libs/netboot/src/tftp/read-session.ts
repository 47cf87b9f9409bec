import type { Clock } from '#platform';
import { BlockSource } from './block-source.js';
import { bufferContent, type TftpContent, toNetascii } from './content.js';
import type { TftpEvent } from './events.js';
import { negotiate, type OptionLimits } from './options.js';
import { encodeError, encodeOack, type RequestPacket, TftpErrorCode } from './packets.js';
import type { RetransmissionTiming } from './retransmission-timer.js';
import { Transfer, type TransferOutcome } from './transfer.js';
import { clientKey, type TftpClient, type UdpPort } from './udp-port.js';

export interface TftpRequest {
  /** Relative, of plain components, printable. */
  path: string;
  client: TftpClient;
}

/** Null: there is no such file, which the client is told and which is no fault. */
export type TftpHandler = (request: TftpRequest) => Promise<TftpContent | null>;

/** What a session needs of its server. */
export interface SessionContext {
  handler: TftpHandler;
  clock: Clock;
  limits: OptionLimits;
  timing: RetransmissionTiming;
  handlerTimeoutMs: number;
  emit: (event: TftpEvent) => void;
  takePort: () => UdpPort | Promise<UdpPort>;
  releasePort: (port: UdpPort) => void;
  /** Answers from the port that the request came to. */
  refuse: (error: Buffer) => void;
  onEnd: () => void;
}

/** Netascii changes the size, so it is converted as a whole: meant for texts, refused for what cannot be one. */
const MAX_NETASCII_BYTES = 1024 * 1024;

/** One accepted read request, from the handler's answer to the last acknowledgement. */
export class ReadSession {
  private transfer: Transfer | null = null;
  private content: TftpContent | null = null;
  private ended = false;
  private silent = false;
  private readonly startedMs: number;

  constructor(
    private readonly request: RequestPacket,
    private readonly client: TftpClient,
    private readonly context: SessionContext,
  ) {
    this.startedMs = context.clock.monotonicMs();
  }

  async run(): Promise<void> {
    try {
      const content = await this.contentInTime();
      if (content === null) return this.refuse(TftpErrorCode.notFound, 'file not found');
      this.content = content;
      const port = await this.context.takePort();
      if (this.ended) {
        this.context.releasePort(port);
        return this.closeContent();
      }
      const served = this.request.mode === 'netascii' ? await asNetascii(content) : content;
      if (served === null) {
        this.context.releasePort(port);
        return this.refuse(
          TftpErrorCode.undefined,
          `netascii is for texts up to ${MAX_NETASCII_BYTES} bytes: use octet`,
        );
      }
      this.serve(served, port);
    } catch (error) {
      this.refuse(TftpErrorCode.undefined, `the content could not be had: ${messageOf(error)}`);
    }
  }

  /** True for a request that the client sent twice; false when it asks for something else or has started over. */
  isRepeatedBy(request: RequestPacket): boolean {
    return (
      request.path === this.request.path &&
      request.mode === this.request.mode &&
      [...request.options].join() === [...this.request.options].join() &&
      !this.transfer?.isStalled
    );
  }

  /** The server stops; the client is told. */
  abort(reason: string): void {
    if (this.transfer !== null) this.transfer.fail(reason);
    else this.refuse(TftpErrorCode.undefined, reason);
  }

  /** The client asked anew from the same port, and is not told: it would take the error for the answer. */
  supersede(): void {
    this.silent = true;
    if (this.transfer !== null) this.transfer.supersede();
    else this.refuse(TftpErrorCode.undefined, 'the client asked anew');
  }

  private async contentInTime(): Promise<TftpContent | null> {
    const { handler, handlerTimeoutMs, clock } = this.context;
    const asked = handler({ path: this.request.path, client: this.client });
    let overdue = false;
    let stopWaiting = () => {};
    const deadline = new Promise<never>((_resolve, reject) => {
      const timer = clock.setTimeout(() => {
        overdue = true;
        reject(new Error(`not ready after ${handlerTimeoutMs} ms`));
      }, handlerTimeoutMs);
      stopWaiting = () => timer.cancel();
    });
    const closeIfLate = (content: TftpContent | null) => (overdue ? content?.close?.() : undefined);
    asked.then(closeIfLate).catch(() => undefined); // a failure in time is the race's
    return Promise.race([asked, deadline]).finally(stopWaiting);
  }

  private serve(content: TftpContent, port: UdpPort): void {
    const { emit, clock, limits, timing } = this.context;
    const { parameters, accepted } = negotiate(this.request.options, content.sizeBytes, limits);
    const { blockSize, windowSize, timeoutMs } = parameters;
    const transfer = new Transfer({
      source: new BlockSource(content, blockSize, windowSize),
      windowSize,
      oack: accepted.size > 0 ? encodeOack(accepted) : null,
      timing: timeoutMs === null ? timing : { ...timing, maxMs: timeoutMs },
      clock,
      send: (packet) => port.send(packet, this.client),
      onEnd: (outcome) => this.finish(outcome, content.sizeBytes, port),
    });
    this.transfer = transfer;
    port.transfers.set(clientKey(this.client), transfer);
    emit({ ...this.facts, kind: 'started', sizeBytes: content.sizeBytes, blockSize, windowSize });
    transfer.start();
  }

  private finish(outcome: TransferOutcome, sizeBytes: number, port: UdpPort): void {
    if (outcome.kind === 'failed' && !this.silent)
      port.send(encodeError(TftpErrorCode.undefined, outcome.reason), this.client);
    port.transfers.delete(clientKey(this.client));
    this.context.releasePort(port);
    const durationMs = Math.round(this.context.clock.monotonicMs() - this.startedMs);
    const facts = { ...this.facts, durationMs };
    this.context.emit(
      outcome.kind === 'completed' ? { ...facts, ...outcome, sizeBytes } : { ...facts, ...outcome },
    );
    this.end();
  }

  private refuse(code: TftpErrorCode, reason: string): void {
    if (this.ended) return;
    if (!this.silent) this.context.refuse(encodeError(code, reason));
    this.context.emit({ ...this.facts, kind: 'refused', reason });
    this.end();
  }

  private end(): void {
    this.ended = true;
    this.closeContent();
    this.context.onEnd();
  }

  private closeContent(): void {
    const content = this.content;
    this.content = null;
    // A file that was only read has nothing to lose when closing it fails.
    content?.close?.().catch(() => undefined);
  }

  private get facts() {
    return { client: this.client, path: this.request.path };
  }
}

async function asNetascii(content: TftpContent): Promise<TftpContent | null> {
  if (content.sizeBytes > MAX_NETASCII_BYTES) return null;
  return bufferContent(toNetascii(await content.read(0, content.sizeBytes)));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
