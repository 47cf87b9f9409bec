import { Body, Controller, HttpCode, Param, Post, Req, UseFilters } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { DomainError, notifyStates } from '#core';
import { type NotifyRequest, notifyRequest, uuid } from '#contract';
import { Callbacks } from '#provisioning';
import { bearerTokenOf, NeedsNoApiToken } from '../api/api-token.guard.js';
import { Answers, Problems } from '../http/answers.js';
import { TakesBody } from '../http/body.interceptor.js';
import { KiB } from '../http/body-reader.js';
import { faultsOf, invalidRequest } from '../http/validation.js';
import { NotifyRefusalFilter } from './refusal-filters.js';

/** What installers and installed systems say, with the token that is in their script. */
@ApiTags('callbacks')
@ApiBearerAuth('instance-token')
@NeedsNoApiToken()
@Controller('v1/instances/:id')
export class CallbacksController {
  constructor(private readonly callbacks: Callbacks) {}

  @Post('notify')
  @UseFilters(NotifyRefusalFilter)
  @HttpCode(204)
  @TakesBody({ limitBytes: 256 * KiB }) // the evidence of a wipe has half a KiB for each disk
  @ApiBody({ schema: { $ref: '#/components/schemas/NotifyRequest' } })
  @ApiOperation({ summary: 'An installer tells its state and progress' })
  @Answers(204, 'Taken')
  @Problems([403, 'The token is not that of this instance'], [409, 'This state is not due'])
  async notify(
    @Param('id', { schema: uuid }) id: string,
    @Body() body: unknown,
    @Req() request: Request,
  ): Promise<void> {
    await this.callbacks.notify(id, bearerTokenOf(request), notifyOf(body));
  }

  @Post('log')
  @HttpCode(204)
  @TakesBody({ as: 'text', types: ['text/plain'], limitBytes: 64 * KiB })
  @ApiConsumes('text/plain')
  @ApiBody({ schema: { type: 'string' } })
  @ApiOperation({ summary: 'An installer sends a piece of its log' })
  @Answers(204, 'Taken')
  @Problems([403, 'The token is not that of this instance'])
  async log(
    @Param('id', { schema: uuid }) id: string,
    @Body() text: string,
    @Req() request: Request,
  ): Promise<void> {
    await this.callbacks.log(id, bearerTokenOf(request), text);
  }
}

/** A word that is not one of the six has an error of its own. */
function notifyOf(body: unknown): NotifyRequest {
  const parsed = notifyRequest.safeParse(body);
  if (parsed.success) return parsed.data;
  const said = (body as { state?: unknown } | null)?.state;
  if (typeof said === 'string' && !notifyStates.some((state) => state === said)) throw unknownState(said);
  throw invalidRequest(faultsOf(parsed.error.issues));
}

export function unknownState(said: string): DomainError {
  return new DomainError('notify-unknown-state', `There is no state ${JSON.stringify(said.slice(0, 100))}.`, {
    remedy: `Say one of ${notifyStates.join(', ')}.`,
    context: { errors: [{ field: 'state', message: 'is not a state' }] },
  });
}
