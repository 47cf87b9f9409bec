import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { DomainError } from '#core';
import { Clock } from '#platform';
import { statusOfCode } from '../http/status-of-code.js';
import { BootLog } from './boot-log.js';
import { type Concerned, MachineResolver, plainAddress } from './machine-resolver.js';
import type { Sent } from './send-file.js';

/** A request that was answered, by the controller or by the program that sends images for it. */
export interface Fetch extends Sent {
  path: string;
  method: string;
  client: string;
  durationMs: number;
}

/** Of a path and of a reason: what strangers ask for is as long as they like. */
const longestChars = 300;

/** Puts each file that a machine fetches over HTTP, or is refused, on its timeline. */
@Injectable()
export class FetchRecorder {
  constructor(
    private readonly resolver: MachineResolver,
    private readonly bootLog: BootLog,
    private readonly clock: Clock,
  ) {}

  /** For a file so long that its end may be long in coming, or never. */
  began({ path, method, socket }: Request): void {
    const client = plainAddress(socket.remoteAddress);
    this.bootLog.record(this.resolver.byAddress(client), {
      kind: 'http.started',
      message: `began fetching ${path}`,
      data: { path, method, client },
    });
  }

  async around(request: Request, send: () => Promise<Sent>): Promise<void> {
    const startedAtMs = this.clock.monotonicMs();
    const client = plainAddress(request.socket.remoteAddress); // a socket that was closed has none any more
    const sent = await send();
    const durationMs = Math.round(this.clock.monotonicMs() - startedAtMs);
    const { path, method } = request;
    this.ended({ ...sent, path, method, client, durationMs });
  }

  /** Also of what somebody else has sent, who may have refused it. */
  ended({ complete, ...fetch }: Fetch): void {
    const { client, path, bytes, status } = fetch;
    if (status >= 400) {
      const message = `asked for ${path}, which was refused with status ${status}`;
      return this.bootLog.record(this.resolver.byAddress(client), {
        kind: 'http.refused',
        message,
        data: fetch,
      });
    }
    this.bootLog.record(this.resolver.byAddress(client), {
      kind: complete ? 'http.completed' : 'http.aborted',
      message: complete ? `fetched ${path}` : `broke off fetching ${path} after ${bytes} bytes`,
      data: fetch,
    });
  }

  refused({ path: asked, method, socket }: Request, error: DomainError): void {
    const client = plainAddress(socket.remoteAddress);
    const path = asked.slice(0, longestChars);
    const reason = error.message.slice(0, longestChars);
    this.bootLog.record(this.whoAsked(client, path), {
      kind: 'http.refused',
      message: `asked for ${path}, which was refused: ${reason}`,
      data: { path, method, status: statusOfCode[error.code], code: error.code, client },
    });
  }

  /** A script tells whose it is, also when the address tells nothing. */
  private async whoAsked(address: string, path: string): Promise<Concerned | null> {
    const [, instanceId] = /^\/boot\/instances\/([^/]+)\//.exec(path) ?? [];
    const byAddress = await this.resolver.byAddress(address);
    return byAddress ?? (instanceId === undefined ? null : this.resolver.byInstance(instanceId));
  }
}
