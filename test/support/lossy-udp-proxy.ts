import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface LossyUdpProxyOptions {
  target: { host: string; port: number };
  /** Of packets in either direction, 0 to 1. */
  loss: number;
  /** The same seed drops the same packets, as far as the order of arrival is the same. */
  seed: number;
}

interface Client {
  upstream: Socket;
  /** Where the client's packets go: the port that answered its last request. */
  serverPort: number;
}

const REQUESTS = [1, 2];

/** Stands between TFTP clients and a server, and loses packets. Clients see one port; the server sees one port per client. */
export class LossyUdpProxy {
  private readonly clients = new Map<number, Client>();
  private readonly listener = newSocket();
  private readonly random: () => number;
  dropped = 0;
  forwarded = 0;

  constructor(private readonly options: LossyUdpProxyOptions) {
    this.random = seededRandom(options.seed);
  }

  async start(): Promise<{ port: number }> {
    this.listener.on('message', (packet, { port }) => this.toServer(packet, port));
    const listening = once(this.listener, 'listening');
    this.listener.bind(0, '127.0.0.1');
    await listening;
    return { port: this.listener.address().port };
  }

  async stop(): Promise<void> {
    const sockets = [this.listener, ...[...this.clients.values()].map(({ upstream }) => upstream)];
    await Promise.all(
      sockets.map((socket) => {
        const closed = once(socket, 'close');
        socket.close();
        return closed;
      }),
    );
  }

  private toServer(packet: Buffer, clientPort: number): void {
    const { target } = this.options;
    const client = this.clients.get(clientPort) ?? this.add(clientPort);
    if (REQUESTS.includes(packet[1] ?? 0)) client.serverPort = target.port;
    if (this.isLost()) return;
    client.upstream.send(packet, client.serverPort, target.host);
  }

  private add(clientPort: number): Client {
    const client = { upstream: newSocket(), serverPort: this.options.target.port };
    client.upstream.on('message', (packet, { port }) => {
      client.serverPort = port;
      if (!this.isLost()) this.listener.send(packet, clientPort, '127.0.0.1');
    });
    this.clients.set(clientPort, client);
    return client;
  }

  private isLost(): boolean {
    const lost = this.random() < this.options.loss;
    if (lost) this.dropped += 1;
    else this.forwarded += 1;
    return lost;
  }
}

function newSocket(): Socket {
  return createSocket({
    type: 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
    lookup: (address, _options, done) => done(null, address, 4),
  });
}

/** mulberry32 */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
