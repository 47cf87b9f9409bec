import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { health, type Health } from '#contract';
import { WakeQueue } from '#platform';
import { Database } from '#store';
import { NeedsNoApiToken } from '../api/api-token.guard.js';
import { Answers } from '../http/answers.js';
import { Shutdown } from '../http/shutdown.js';
import { Metrics } from './metrics.js';

@ApiTags('observe')
@NeedsNoApiToken()
@Controller()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly queue: WakeQueue,
    private readonly shutdown: Shutdown,
    private readonly metrics: Metrics,
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
      database: await answers(() => this.database.ping()),
      queue: await answers(() => this.queue.ping()),
      running: this.shutdown.signal.aborted ? 'stopping' : 'ok',
    };
    const ready = Object.values(checks).every((check) => check === 'ok');
    response.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', checks };
  }

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @Answers(200, 'Prometheus text format')
  async showMetrics(): Promise<string> {
    return this.metrics.text();
  }
}

/** Not the reason: it may name hosts and users, and anybody may ask. */
async function answers(ping: () => Promise<void>): Promise<'ok' | 'unreachable'> {
  try {
    await ping();
    return 'ok';
  } catch {
    return 'unreachable';
  }
}
