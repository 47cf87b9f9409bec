import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Clock } from '#platform';
import { BootLog } from './boot-log.js';
import { MachineResolver, plainAddress } from './machine-resolver.js';
import type { Sent } from './send-file.js';

/** Puts each file that a machine fetches over HTTP on its timeline. */
@Injectable()
export class FetchRecorder {
  constructor(
    private readonly resolver: MachineResolver,
    private readonly bootLog: BootLog,
    private readonly clock: Clock,
  ) {}

  async around(request: Request, send: () => Promise<Sent>): Promise<void> {
    const startedAtMs = this.clock.monotonicMs();
    const client = plainAddress(request.socket.remoteAddress); // a socket that was closed has none any more
    const { status, bytes, complete } = await send();
    const durationMs = Math.round(this.clock.monotonicMs() - startedAtMs);
    const { path } = request;
    this.bootLog.record(this.resolver.byAddress(client), {
      kind: complete ? 'http.completed' : 'http.aborted',
      message: complete ? `fetched ${path}` : `broke off fetching ${path} after ${bytes} bytes`,
      data: { path, method: request.method, status, bytes, durationMs, client },
    });
  }
}
