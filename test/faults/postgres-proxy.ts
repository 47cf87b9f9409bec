import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { commitsIn, PgStream, type Told } from './postgres-stream.js';

/** `hold`: never sent to the server. `send`: sent, and the answer held back until the connection is gone. */
export type Fate = 'pass' | 'hold' | 'send';

/**
 * PostgreSQL through a door that can be shut at a certain commit: before it reaches the server, or when the server has it and the
 * client has not heard. The port stays the same when the server behind it gets another one.
 */
export class PostgresProxy {
  upstreamPort = 0;
  /** Told of every commit that writes to the timeline, with its rows; decides at once. */
  onCommit: (rows: readonly Told[]) => Fate = () => 'pass';
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor() {
    this.server = createServer((client) => this.serve(client));
  }

  async start(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(client: Socket): void {
    const upstream = connect(this.upstreamPort, '127.0.0.1');
    const stream = new PgStream();
    let fate: Fate = 'pass';
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
    upstream.on('data', (chunk) => fate === 'pass' && client.write(chunk));
    client.on('data', (chunk: Buffer) => {
      if (fate !== 'pass') return;
      for (const rows of commitsIn(stream, chunk)) {
        fate = this.onCommit(rows);
        if (fate !== 'pass') break;
      }
      if (fate !== 'hold') upstream.write(chunk);
    });
  }
}
