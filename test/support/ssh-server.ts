import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** Greets whoever connects, as an OS that is up does. */
export class GreetingServer {
  private readonly server: Server;

  private constructor(greeting: string) {
    this.server = createServer((socket) => socket.on('error', () => undefined).end(greeting));
  }

  static async start(greeting: string, port = 0): Promise<GreetingServer> {
    const made = new GreetingServer(greeting);
    await once(made.server.listen(port, '127.0.0.1'), 'listening');
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}
