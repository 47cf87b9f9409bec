import { createSocket, type Socket } from 'node:dgram';

export interface TftpGetOptions {
  host: string;
  port: number;
  /** The address to ask from; none: the one the system chooses. */
  localAddress?: string;
  /** Ends the transfer, which then rejects. */
  signal?: AbortSignal;
  blockSize?: number;
  windowSize?: number;
  /** Sends every acknowledgement so many times. */
  acksPerBlock?: number;
  retryMs?: number;
  maxTries?: number;
}

export interface TftpGot {
  bytes: Buffer;
  /** Everything that came from the server, repetitions and the OACK included. */
  packetsReceived: number;
}

const RRQ = 1;
const DATA = 3;
const ACK = 4;
const ERROR = 5;
const OACK = 6;

/** A TFTP client that keeps to RFC 1350, 2348 and 7440 and shares no code with the server under test. */
export function tftpGet(path: string, options: TftpGetOptions): Promise<TftpGot> {
  return new Promise((resolve, reject) => new Get(path, options, resolve, reject).start());
}

export function requestPacket(path: string, fields: string[] = ['octet'], opcode = RRQ): Buffer {
  return Buffer.concat([Buffer.from([0, opcode]), Buffer.from([path, ...fields, ''].join('\0'))]);
}

export function ackPacket(block: number): Buffer {
  return Buffer.from([0, ACK, (block >> 8) & 0xff, block & 0xff]);
}

class Get {
  private readonly socket: Socket = createSocket({
    type: 'udp4',
    recvBufferSize: 1024 * 1024,
    lookup: (address, _options, done) => done(null, address, 4),
  });
  private readonly blocks: Buffer[] = [];
  private blockSize = 512;
  private windowSize = 1;
  private serverPort: number;
  private lastSent: Buffer;
  private sinceAck = 0;
  private gapReported = false;
  private packetsReceived = 0;
  private tries = 0;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    path: string,
    private readonly options: TftpGetOptions,
    private readonly resolve: (got: TftpGot) => void,
    private readonly reject: (error: Error) => void,
  ) {
    const { blockSize, windowSize } = options;
    this.serverPort = options.port;
    this.lastSent = requestPacket(path, [
      'octet',
      ...(blockSize === undefined ? [] : ['blksize', String(blockSize)]),
      ...(windowSize === undefined ? [] : ['windowsize', String(windowSize)]),
    ]);
  }

  start(): void {
    const { localAddress, signal } = this.options;
    this.socket.on('message', (packet, { port }) => this.receive(packet, port));
    this.socket.on('error', (error) => this.end(error));
    if (signal?.aborted) return this.end(asError(signal.reason));
    signal?.addEventListener('abort', this.abort);
    if (localAddress === undefined) this.send(this.lastSent);
    else this.socket.bind(0, localAddress, () => !this.ended && this.send(this.lastSent));
  }

  private readonly abort = () => this.end(asError(this.options.signal?.reason));

  private receive(packet: Buffer, port: number): void {
    if (this.serverPort === this.options.port) this.serverPort = port;
    if (port !== this.serverPort) return;
    this.packetsReceived += 1;
    const opcode = packet.readUInt16BE(0);
    if (opcode === DATA) this.receiveData(packet);
    else if (opcode === OACK && this.blocks.length === 0) this.receiveOack(packet);
    else if (opcode === ERROR) this.end(new Error(packet.toString('utf8', 4, packet.length - 1)));
  }

  private receiveOack(packet: Buffer): void {
    const fields = packet.toString('utf8', 2).split('\0');
    const valueOf = (name: string, otherwise: number) =>
      fields.includes(name) ? Number(fields[fields.indexOf(name) + 1]) : otherwise;
    this.blockSize = valueOf('blksize', 512);
    this.windowSize = valueOf('windowsize', 1);
    this.acknowledge();
  }

  private receiveData(packet: Buffer): void {
    const ahead = (packet.readUInt16BE(2) - this.blocks.length) & 0xffff;
    if (ahead !== 1) return this.receiveOutOfOrder(ahead);
    this.gapReported = false;
    this.blocks.push(packet.subarray(4));
    this.sinceAck += 1;
    const isLast = packet.length - 4 < this.blockSize;
    if (isLast || this.sinceAck >= this.windowSize) this.acknowledge();
    if (isLast) this.end(null);
  }

  /** The last block again: its acknowledgement was lost. A later one: a gap, reported once (RFC 7440). */
  private receiveOutOfOrder(ahead: number): void {
    if (ahead === 0 && this.blocks.length > 0) return this.acknowledge();
    if (ahead > this.windowSize || this.gapReported) return;
    this.gapReported = true;
    this.acknowledge();
  }

  private acknowledge(): void {
    this.sinceAck = 0;
    this.tries = 0;
    const ack = ackPacket(this.blocks.length);
    for (let i = 0; i < (this.options.acksPerBlock ?? 1); i += 1) this.send(ack);
  }

  private send(packet: Buffer): void {
    this.lastSent = packet;
    this.socket.send(packet, this.serverPort, this.options.host);
    if (this.timer === undefined) this.timer = setTimeout(() => this.retry(), this.options.retryMs ?? 1000);
    else this.timer.refresh();
  }

  private retry(): void {
    this.tries += 1;
    this.gapReported = false;
    if (this.tries > (this.options.maxTries ?? 8)) return this.end(new Error('no answer'));
    this.send(this.lastSent);
  }

  private end(error: Error | null): void {
    if (this.ended) return;
    this.ended = true;
    this.options.signal?.removeEventListener('abort', this.abort);
    clearTimeout(this.timer);
    this.socket.removeAllListeners('message').close();
    if (error === null)
      this.resolve({ bytes: Buffer.concat(this.blocks), packetsReceived: this.packetsReceived });
    else this.reject(error);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
