import { Controller, Get, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { DomainError } from '#core';
import { health, type Health } from '#contract';
import { Clock, WakeQueue } from '#platform';
import { Database } from '#store';
import { NeedsNoApiToken } from '../api/api-token.guard.js';
import { Answers } from '../http/answers.js';
import { Shutdown } from '../http/shutdown.js';

/** A database or queue that does not answer for so long does not answer. */
const pingMs = 3000;

@ApiTags('observe')
@NeedsNoApiToken()
@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly queue: WakeQueue,
    private readonly shutdown: Shutdown,
    private readonly clock: Clock,
  ) {}

  @Get('healthz')
  @ApiOperation({ summary: 'Whether the process lives' })
  @Answers(200, 'It does', health)
  isAlive(): Health {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Whether it can do its work' })
  @Answers(200, 'It can', health)
  @Answers(503, 'It cannot; `checks` says what is missing', health)
  async isReady(@Res({ passthrough: true }) response: Response): Promise<Health> {
    const checks = {
      database: await this.answers(() => this.database.ping()),
      queue: await this.answers(() => this.queue.ping()),
      running: this.shutdown.signal.aborted ? 'stopping' : 'ok',
    };
    const ready = Object.values(checks).every((check) => check === 'ok');
    response.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', checks };
  }

  /** Not the reason of a failure: it may name hosts and users, and anybody may ask. */
  private async answers(ping: () => Promise<void>): Promise<'ok' | 'unreachable'> {
    const over = new AbortController();
    const tooLate = this.clock
      .sleep(pingMs, over.signal)
      .then(() => Promise.reject(new DomainError('internal', 'no answer')));
    try {
      await Promise.race([ping(), tooLate]);
      return 'ok';
    } catch {
      return 'unreachable';
    } finally {
      over.abort();
      tooLate.catch(() => undefined);
    }
  }
}
