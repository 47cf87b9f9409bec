import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { type AdoptRequest, adoptRequest, idOrName, type InstanceView, instanceView } from '#contract';
import { type Asker, Spawning } from '#provisioning';
import { MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { AskedBy } from './api-token.guard.js';
import { InstanceReader } from './instance-reader.js';

/** Machines that run something already. */
@ApiTags('machines')
@ApiBearerAuth('api-token')
@Controller('v1/machines')
export class AdoptionController {
  constructor(
    private readonly machines: MachineStore,
    private readonly spawning: Spawning,
    private readonly reader: InstanceReader,
  ) {}

  @Post(':id/adopt')
  @HttpCode(201)
  @ApiOperation({
    summary: 'Take a machine that already runs something into service, as an instance',
    description: 'Nothing is done to the machine; the instance is at the Location.',
  })
  @Answers(201, 'The instance that the machine is now', instanceView)
  @Problems(
    [404, 'There is no such machine, or image'],
    [409, 'Its state does not allow it, or it is locked, or in maintenance'],
  )
  async adoptMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: adoptRequest }) wanted: AdoptRequest,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    const machine = await this.machines.find(id);
    const instance = await this.spawning.adopt(machine.id, wanted, asker);
    response.location(`/v1/instances/${instance.id}`);
    return this.reader.view(instance);
  }
}
