import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DomainError } from '#core';
import type { Clock, Logger } from '#platform';
import { type Answer, type Answers, refusal } from './answers.js';

/** A request has no body worth waiting for: who sends his slowly is cut off. */
const requestMs = 10_000;

/** Where a listener on every address is reached from here. */
const anyAddress: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** An answer, and how long it took. */
export type Answered = Answer & { seconds: number };

/**
 * The listener of the metadata service. It is a server of its own, so that nothing else of the controller can be reached where
 * guests are, and the documents of guests nowhere else.
 */
export class MetadataListener {
  private readonly server: Server;

  constructor(
    private readonly answers: Answers,
    private readonly host: { log: Logger; clock: Clock; onAnswer: (answered: Answered) => void },
  ) {
    this.server = createServer(
      { requestTimeout: requestMs, headersTimeout: requestMs },
      (request, response) => void this.serve(request, response),
    );
  }

  /** Answers the port that it listens on. Throws DomainError `port-not-bound`. */
  async start(host: string, port: number): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening').catch((cause: unknown) => {
      throw new DomainError(
        'port-not-bound',
        `The metadata service was to listen on ${host} port ${port}: ${(cause as Error).message}`,
        {
          cause,
          remedy:
            'Choose another DODAI_METADATA_HOST or DODAI_METADATA_PORT, or 0 to have none; or stop what uses it.',
        },
      );
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when it answers, whatever it says to a stranger such as this one. */
  async ping(): Promise<void> {
    const { address, port } = this.server.address() as AddressInfo;
    const host = anyAddress[address] ?? address;
    const asked = get({
      host,
      port,
      method: 'OPTIONS', // refused before it is looked at who asks
      path: '/',
      agent: false,
      signal: AbortSignal.timeout(requestMs),
    });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
  }

  /** Answers that are under way are finished: each takes milliseconds. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeIdleConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAtMs = this.host.clock.monotonicMs();
    request.resume(); // nothing that is sent here is read
    const answer = await this.answers.to(request).catch((error: unknown) => this.failure(error));
    send(request, response, answer);
    const seconds = (this.host.clock.monotonicMs() - startedAtMs) / 1000;
    this.host.onAnswer({ ...answer, seconds });
  }

  /** A guest asks again after 503; 500 it takes for an answer. */
  private failure(error: unknown): Answer {
    this.host.log.error({ err: error }, 'the metadata service could not answer');
    return refusal(503, { 'Retry-After': '1' });
  }
}

/** Nobody is to keep it: not the guest, and not a proxy, which would give one guest what is another's. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, content, headers }: Answer,
): void {
  const length = { 'Content-Length': content.length };
  response.writeHead(status, { ...headers, ...length, 'Cache-Control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : content);
}
