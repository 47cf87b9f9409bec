import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { ackPacket, requestPacket } from '../support/tftp-client.js';
import type { BenchServer } from './tftp-servers.js';

export interface SmallFileResult {
  filesPerSecond: number;
  failures: number;
}

/**
 * A client takes its next file from another port, as one does that boots. When a port comes round again, the server must have
 * seen that its last transfer is over: it could not tell the new request from a repetition of the old one.
 */
const portsPerClient = (clients: number) => Math.max(4, Math.ceil(512 / clients));
const RETRY_MS = 1000;
const MAX_TRIES = 5;

/** Each client fetches a file of one block again and again, one at a time. */
export async function fetchSmallFiles(
  server: BenchServer,
  path: string,
  clients: number,
  durationMs: number,
): Promise<SmallFileResult> {
  const all = Array.from({ length: clients }, () => new SmallFileClient(server, path));
  await Promise.all(all.map((client) => client.open(portsPerClient(clients))));
  const startedMs = performance.now();
  await Promise.all(all.map((client) => client.run(startedMs + durationMs)));
  const seconds = (performance.now() - startedMs) / 1000;
  for (const client of all) client.close();
  const sum = (of: (client: SmallFileClient) => number) =>
    all.reduce((total, client) => total + of(client), 0);
  return { filesPerSecond: sum(({ files }) => files) / seconds, failures: sum(({ failures }) => failures) };
}

class SmallFileClient {
  files = 0;
  failures = 0;
  private readonly sockets: Socket[] = [];
  private readonly request: Buffer;
  private readonly ack = ackPacket(1);
  private current = 0;
  private tries = 0;
  private timer: NodeJS.Timeout | undefined;
  private deadlineMs = 0;
  private done = () => {};

  constructor(
    private readonly server: BenchServer,
    path: string,
  ) {
    this.request = requestPacket(path);
  }

  async open(ports: number): Promise<void> {
    for (let i = 0; i < ports; i += 1) {
      const socket = createSocket({
        type: 'udp4',
        lookup: (address, _options, done) => done(null, address, 4),
      });
      socket.on('message', (packet, { port }) => this.receive(i, packet, port));
      const listening = once(socket, 'listening');
      socket.bind(0, '127.0.0.1');
      await listening;
      this.sockets.push(socket);
    }
  }

  run(deadlineMs: number): Promise<void> {
    this.deadlineMs = deadlineMs;
    this.timer = setTimeout(() => this.retry(), RETRY_MS);
    this.ask();
    return new Promise((resolve) => (this.done = resolve));
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  private ask(): void {
    this.sockets[this.current]?.send(this.request, this.server.port, this.server.host);
  }

  private receive(index: number, packet: Buffer, port: number): void {
    if (packet[1] !== 3) return;
    this.sockets[index]?.send(this.ack, port, this.server.host);
    if (index !== this.current) return;
    this.files += 1;
    this.next();
  }

  private next(): void {
    this.tries = 0;
    this.current = (this.current + 1) % this.sockets.length;
    if (performance.now() < this.deadlineMs) {
      this.timer?.refresh();
      return this.ask();
    }
    clearTimeout(this.timer);
    this.done();
  }

  private retry(): void {
    this.timer?.refresh();
    this.tries += 1;
    if (this.tries < MAX_TRIES) return this.ask();
    this.failures += 1;
    this.next();
  }
}
