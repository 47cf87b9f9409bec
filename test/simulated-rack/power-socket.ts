import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { DomainError, type ErrorCode } from '#core';
import { Secret } from '#platform';
import type { BmcAddress, ReportedPower } from '#power';
import type { BmcCommand } from './simulated-bmc.js';
import type { SimulatedRack } from './simulated-rack.js';

/** What goes over the socket: a command and what came of it. */
export interface PowerQuestion {
  bmc: Omit<BmcAddress, 'password'> & { password: string };
  command: BmcCommand;
}
export type PowerAnswer =
  | { power?: ReportedPower }
  | { error: { code: ErrorCode; message: string; remedy?: string; context: Record<string, unknown> } };

/** The BMCs of a rack for a controller in another process: HTTP on a Unix socket. */
export class PowerSocket {
  private readonly server: Server;

  constructor(private readonly rack: SimulatedRack) {
    this.server = createServer((request, response) => void this.serve(request, response));
    this.server.keepAliveTimeout = 0; // it ends with the process that asks
  }

  async start(path: string): Promise<void> {
    this.server.listen(path);
    await once(this.server, 'listening');
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('nobody waits for the answer any more')));
    const answer = await this.answer((await json(request)) as PowerQuestion, gone.signal);
    response.end(JSON.stringify(answer));
  }

  private async answer({ bmc, command }: PowerQuestion, signal: AbortSignal): Promise<PowerAnswer> {
    try {
      const address = { ...bmc, password: new Secret(bmc.password) };
      return { power: await this.rack.command(address, command, signal) };
    } catch (error) {
      if (!(error instanceof DomainError)) return {}; // it was aborted: nobody reads this
      const { code, message, remedy, context } = error;
      return { error: { code, message, remedy, context } };
    }
  }
}
