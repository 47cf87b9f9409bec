import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { DomainError, notifyStates } from '#core';
import { uuid } from '#contract';
import type { Logger } from '#platform';
import type { Callbacks } from '#provisioning';
import { statusOfCode } from '../http/status-of-code.js';
import { unknownState } from './callbacks.controller.js';
import { plainAddress } from './machine-resolver.js';
import type { NotifyRefusals } from './notify-refusals.js';

/**
 * `GET /<instance id>/<state>`, for scripts written for dodai's monitor. They carry no token: a word is
 * believed only when it comes from the address that the inventory has as `pxeIp` of the instance's machine.
 */
export class LegacyMonitor {
  private readonly server: Server;

  constructor(
    private readonly callbacks: Callbacks,
    private readonly refusals: NotifyRefusals,
    private readonly log: Logger,
  ) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** Answers the port that it listens on. Throws DomainError `port-not-bound`. */
  async start(host: string, port: number): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening').catch((cause: unknown) => {
      throw new DomainError(
        'port-not-bound',
        `The legacy monitor was to listen on ${host} port ${port}: ${String(cause)}`,
        {
          cause,
          remedy: 'Choose another DODAI_LEGACY_MONITOR_PORT, or stop what uses it.',
        },
      );
    });
    const address = this.server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, text } = await this.take(request).catch((error: unknown) => this.refusal(request, error));
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
    response.end(`${text}\n`);
  }

  private async take(request: IncomingMessage): Promise<{ status: number; text: string }> {
    const { id, said } = wordOf(request);
    if (request.method !== 'GET' || id === undefined || said === undefined || !uuid.safeParse(id).success)
      throw new DomainError('not-found', 'Ask for GET /<instance id>/<state>.');
    const state = notifyStates.find((known) => known === said);
    if (!state) throw unknownState(said);
    await this.callbacks.notifyFrom(plainAddress(request.socket.remoteAddress), id, state);
    return { status: 200, text: 'ok' };
  }

  private refusal(request: IncomingMessage, error: unknown): { status: number; text: string } {
    if (!(error instanceof DomainError)) {
      this.log.error({ err: error }, 'the legacy monitor failed');
      return { status: 500, text: 'internal' };
    }
    const { id, said } = wordOf(request);
    const client = plainAddress(request.socket.remoteAddress);
    if (id !== undefined) this.refusals.record({ instanceId: id, said, client }, error);
    return { status: statusOfCode[error.code], text: `${error.code}: ${error.message}` };
  }
}

/** Of a path `/<instance id>/<state>`. */
function wordOf({ url }: IncomingMessage): { id?: string; said?: string } {
  const [, id, said] = /^\/([^/?]+)\/([^/?]+)\/?$/.exec(url ?? '') ?? [];
  return { id, said };
}
