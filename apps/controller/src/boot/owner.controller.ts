import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { type OwnerQuery, ownerQuery, uuid } from '#contract';
import { HandOver } from '#provisioning';
import { bearerTokenOf, NeedsNoApiToken } from '../api/api-token.guard.js';
import { EventWait } from '../api/event-wait.js';
import { Answers, Problems } from '../http/answers.js';
import { goneSignal } from '../http/gone.js';
import { BootLog } from './boot-log.js';
import { plainAddress } from './machine-resolver.js';

/** What the OS of a machine in the pool asks, again and again: nothing listens inside the machine. */
@ApiTags('callbacks')
@ApiBearerAuth('instance-token')
@NeedsNoApiToken()
@Controller('v1/instances/:id')
export class OwnerController {
  constructor(
    private readonly handOver: HandOver,
    private readonly waiting: EventWait,
    private readonly bootLog: BootLog,
  ) {}

  @Get('owner')
  @ApiProduces('text/x-shellscript')
  @ApiOperation({
    summary: 'A machine in the pool asks for its owner',
    description: 'Held until there is one, or the time is over.',
  })
  @Answers(200, "The script that makes the machine its owner's: host name, keys, user data, token")
  @Answers(204, 'Nobody has asked for this machine yet: ask again')
  @Problems(
    [403, 'The token is not that of this instance'],
    [404, 'There is no such instance'],
    [410, 'It does not wait in the pool, or no longer'],
  )
  async owner(
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: ownerQuery }) { timeout }: OwnerQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const machine = await this.handOver.machineOf(id, bearerTokenOf(request));
    const limits = { timeoutMs: timeout * 1000, gone: goneSignal(response) };
    const ownership = await this.waiting.until(
      ({ machineId }) => machineId === machine.id,
      limits,
      async () => {
        const found = await this.handOver.look(id);
        return { ...found, reached: found.owner !== null };
      },
    );
    if (limits.gone.aborted) return;
    if (!ownership.owner) return void response.status(204).end();
    const { owner, script } = ownership;
    response.set('Cache-Control', 'no-store').type('text/x-shellscript').send(script);
    this.bootLog.record(Promise.resolve({ id: machine.id, instanceId: owner.id }), {
      kind: 'http.completed',
      message: `fetched hand-over.sh, which makes it ${owner.hostName}`,
      data: {
        path: request.path,
        method: request.method,
        status: 200,
        bytes: Buffer.byteLength(script),
        client: plainAddress(request.socket.remoteAddress),
      },
    });
  }
}
