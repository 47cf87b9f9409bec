import { Body, Controller, Delete, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Machine, PowerOrderVerb } from '#core';
import {
  idOrName,
  type MachineView,
  machineView,
  type MarkRequest,
  markRequest,
  type StopRequest,
  stopRequest,
} from '#contract';
import { Clock } from '#platform';
import { type Asker, Verbs } from '#provisioning';
import { MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { AskedBy } from './api-token.guard.js';
import { verbRoutesOf } from './verb-route.js';
import { machineViewOf } from './views.js';

const VerbRoute = verbRoutesOf('machine', machineView);

@ApiTags('machines')
@ApiBearerAuth('api-token')
@Controller('v1/machines')
export class MachineVerbsController {
  constructor(
    private readonly machines: MachineStore,
    private readonly verbs: Verbs,
    private readonly clock: Clock,
  ) {}

  @VerbRoute({ path: 'retry', summary: 'Try a failed work again, from the stage that failed' })
  retryMachine(@Param('id', { schema: idOrName }) id: string, @AskedBy() asker: Asker): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.retry(machineId, asker));
  }

  @VerbRoute({
    path: 'abort',
    summary: 'End the work under way; it has then failed, and the machine is left as it stands',
  })
  abortMachine(@Param('id', { schema: idOrName }) id: string, @AskedBy() asker: Asker): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.abort(machineId, asker));
  }

  @VerbRoute({ path: 'start', summary: 'Switch on a machine with an instance' })
  startMachine(@Param('id', { schema: idOrName }) id: string, @AskedBy() asker: Asker): Promise<MachineView> {
    return this.order(id, 'start', asker);
  }

  @VerbRoute({
    path: 'stop',
    summary:
      'Shut the OS of its instance down, and cut the power when it does not obey; `hard` cuts it at once',
    body: 'optional',
  })
  stopMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: stopRequest }) { hard }: StopRequest,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.order(id, 'stop', asker, hard);
  }

  @VerbRoute({
    path: 'reboot',
    summary: 'Shut the OS of its instance down, see the machine off, switch it on',
  })
  rebootMachine(
    @Param('id', { schema: idOrName }) id: string,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.order(id, 'reboot', asker);
  }

  @VerbRoute({ path: 'power-cycle', summary: 'Cut the power, see the machine off, switch it on' })
  powerCycleMachine(
    @Param('id', { schema: idOrName }) id: string,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.order(id, 'power_cycle', asker);
  }

  @VerbRoute({
    path: 'maintenance',
    summary: 'Put it into maintenance: it is given to no new owner',
    body: 'needed',
    status: 200,
  })
  beginMaintenance(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: markRequest }) { reason }: MarkRequest,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.maintain(machineId, reason, asker));
  }

  @Delete(':id/maintenance')
  @ApiOperation({ summary: 'End its maintenance' })
  @Answers(200, 'The machine, which may be given to new owners', machineView)
  @Problems([404, 'There is no such machine'], [409, 'It is not in maintenance'])
  endMaintenance(
    @Param('id', { schema: idOrName }) id: string,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.maintain(machineId, null, asker));
  }

  @VerbRoute({
    path: 'lock',
    summary: 'Protect it from every verb that ends or interrupts what runs on it',
    body: 'needed',
    status: 200,
  })
  lockMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: markRequest }) { reason }: MarkRequest,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.lock(machineId, reason, asker));
  }

  @VerbRoute({ path: 'unlock', summary: 'End its protection', status: 200 })
  unlockMachine(
    @Param('id', { schema: idOrName }) id: string,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.lock(machineId, null, asker));
  }

  private order(id: string, verb: PowerOrderVerb, asker: Asker, hard = false): Promise<MachineView> {
    return this.ask(id, (machineId) => this.verbs.orderPower(machineId, verb, asker, { hard }));
  }

  private async ask(id: string, verb: (machineId: string) => Promise<Machine>): Promise<MachineView> {
    const machine = await this.machines.find(id);
    return machineViewOf(await verb(machine.id), this.clock.now());
  }
}
