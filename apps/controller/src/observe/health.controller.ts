import { Controller, Get, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { health, type Health } from '#contract';
import { NeedsNoApiToken } from '../api/api-token.guard.js';
import { Answers } from '../http/answers.js';
import { Shutdown } from '../http/shutdown.js';
import { Readiness } from './readiness.js';

@ApiTags('observe')
@NeedsNoApiToken()
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly shutdown: Shutdown,
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
      ...(await this.readiness.checks()),
      running: this.shutdown.signal.aborted ? 'stopping' : 'ok',
    };
    const ready = Object.values(checks).every((check) => check === 'ok');
    response.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', checks };
  }
}
