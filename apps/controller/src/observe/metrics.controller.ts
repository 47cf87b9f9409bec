import { Controller, Get, Header } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { NeedsNoApiToken } from '../api/api-token.guard.js';
import { Answers } from '../http/answers.js';
import { Metrics } from './metrics.js';

@ApiTags('observe')
@NeedsNoApiToken()
@Controller()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @Answers(200, 'Prometheus text format')
  async showMetrics(): Promise<string> {
    return this.metrics.text();
  }
}
