import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface GuestAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What runs on a machine with this address of loopback, and asks the metadata service who it is. */
export class MetadataGuest {
  constructor(
    private readonly port: number,
    readonly address: string,
  ) {}

  async ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<GuestAnswer> {
    const asked = request({
      host: '127.0.0.1',
      port: this.port,
      localAddress: this.address,
      agent: false, // a connection of its own for each, as guests do
      path,
      method,
      headers,
    });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  }

  async status(path: string, ask: Ask = {}): Promise<number> {
    return (await this.ask(path, ask)).status;
  }

  /** The text of what is there; fails when nothing is. */
  async read(path: string): Promise<string> {
    const { status, text: said } = await this.ask(path);
    if (status !== 200) throw new Error(`${path} was answered ${status}`);
    return said;
  }
}
