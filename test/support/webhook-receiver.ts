import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Secret } from '#platform';
import { Webhook as Verifier } from 'standardwebhooks';

export interface Received {
  id: string;
  message: Record<string, unknown>;
}

/** Takes webhooks as the site would: over HTTP, and only those with a good signature. */
export class WebhookReceiver {
  static readonly key = Buffer.alloc(32, 7).toString('base64');
  /** What is answered; 200: taken. */
  answer = 200;
  readonly received: Received[] = [];
  private readonly verifier = new Verifier(WebhookReceiver.key);
  private readonly server: Server;
  private arrived = () => {};

  constructor() {
    this.server = createServer((request, response) => void this.take(request, response));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = request.headers as Record<string, string>;
    const message = this.verifier.verify(await text(request), headers) as Received['message'];
    this.received.push({ id: headers['webhook-id'] ?? '', message });
    response.writeHead(this.answer).end();
    this.arrived();
  }

  async start(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks/secret-path`;
  }

  get settings() {
    return { url: new Secret(this.url), key: new Secret(WebhookReceiver.key) };
  }

  /** Waits until so many have come. */
  async untilReceived(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => (this.arrived = resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
