import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** The serial line of a machine as its BMC sees it: a TCP server that says what the machine says. */
export class SerialLine {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async open(): Promise<SerialLine> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return new SerialLine(server, typeof address === 'object' && address ? address.port : 0);
  }

  /** Waits for a BMC to listen: what is said to nobody is lost. */
  async say(text: string | Uint8Array): Promise<void> {
    while (this.sockets.size === 0) await once(this.server, 'connection');
    for (const socket of this.sockets) socket.write(text);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
