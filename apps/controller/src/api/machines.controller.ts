import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import {
  idOrName,
  type MachineCreate,
  machineCreate,
  type MachineWaitQuery,
  machineWaitQuery,
  machineList,
  type MachineListQuery,
  machineListQuery,
  type MachinePatch,
  machinePatch,
  type MachineView,
  machineView,
  type Page,
  type PowerRequest,
  powerRequest,
} from '#contract';
import { Clock } from '#platform';
import { type Asker, Verbs } from '#provisioning';
import { MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { TakesNoBody } from '../http/body.interceptor.js';
import { goneSignal } from '../http/gone.js';
import { answerProblemWith } from '../http/problem.filter.js';
import { AskedBy } from './api-token.guard.js';
import { lastErrorOf, MachineEnrolment } from './machine-enrolment.js';
import { machineViewOf } from './views.js';

@ApiTags('machines')
@ApiBearerAuth('api-token')
@Controller('v1/machines')
export class MachinesController {
  constructor(
    private readonly machines: MachineStore,
    private readonly enrolment: MachineEnrolment,
    private readonly verbs: Verbs,
    private readonly clock: Clock,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Enrol a machine',
    description: 'Its BMC is tried at once; `wait=verified` holds the answer until that is done.',
  })
  @Answers(201, 'Enrolled; with `wait=verified`: and its BMC answered', machineView)
  @Answers(202, 'Enrolled; the check of its BMC took longer than `timeout`', machineView)
  @Problems(
    [404, 'The instance type is not known'],
    [409, 'Another machine has this name, MAC, address or BMC'],
    [422, 'With `wait=verified`: its BMC refused. The machine stays: patch it, then verify it'],
  )
  async enrolMachine(
    @Body({ schema: machineCreate }) wanted: MachineCreate,
    @Query({ schema: machineWaitQuery }) { wait, timeout }: MachineWaitQuery,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineView> {
    const machine = await this.enrolment.enrol(wanted, asker);
    response.location(`/v1/machines/${machine.id}`);
    if (wait === undefined) return this.view(machine);
    return this.answerWhenChecked(machine.id, timeout * 1000, response);
  }

  @Get()
  @ApiOperation({ summary: 'List machines, by name' })
  @Answers(200, 'A page of machines', machineList)
  @Problems()
  async listMachines(
    @Query({ schema: machineListQuery }) query: MachineListQuery,
  ): Promise<Page<MachineView>> {
    const { label, ...filter } = query;
    const { items, next } = await this.machines.list({ ...filter, labels: labelsOf(label) });
    return { items: items.map((machine) => this.view(machine)), next };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Show a machine, by id or name',
    description: '`wait=verified` holds the answer until its BMC was checked.',
  })
  @Answers(200, 'The machine; with `wait=verified`: its BMC answered', machineView)
  @Answers(202, 'The check of its BMC took longer than `timeout`', machineView)
  @Problems([404, 'There is no such machine'], [422, 'With `wait=verified`: its BMC refused'])
  async showMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Query({ schema: machineWaitQuery }) { wait, timeout }: MachineWaitQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineView> {
    const machine = await this.machines.find(id);
    return wait === undefined
      ? this.view(machine)
      : this.answerWhenChecked(machine.id, timeout * 1000, response);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the record of a machine' })
  @Answers(200, 'The machine as it is now', machineView)
  @Problems(
    [404, 'There is no such machine, or instance type'],
    [409, 'Another machine has this name, MAC, address or BMC; or work on this one needs the field'],
  )
  async patchMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: machinePatch }) patch: MachinePatch,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.view(await this.enrolment.change((await this.machines.find(id)).id, patch, asker));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a machine from the inventory' })
  @Answers(204, 'Removed')
  @Problems([404, 'There is no such machine'], [409, 'It is in use'])
  async removeMachine(@Param('id', { schema: idOrName }) id: string, @AskedBy() asker: Asker): Promise<void> {
    await this.verbs.removeMachine((await this.machines.find(id)).id, asker);
  }

  @Post(':id/power')
  @HttpCode(200)
  @ApiOperation({ summary: 'Switch the power of a machine' })
  @Answers(200, 'Done; `power` is what the BMC said', machineView)
  @Problems([404, 'There is no such machine'], [409, 'Its state does not allow it'], [502, 'Its BMC failed'])
  async switchPower(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: powerRequest }) { verb }: PowerRequest,
    @AskedBy() asker: Asker,
  ): Promise<MachineView> {
    return this.view(await this.verbs.power((await this.machines.find(id)).id, verb, asker));
  }

  @Post(':id/verify')
  @TakesNoBody()
  @HttpCode(202)
  @ApiOperation({ summary: 'Check the BMC of a machine again' })
  @Answers(200, 'With `wait=verified`: its BMC answered', machineView)
  @Answers(202, 'The check is under way', machineView)
  @Problems([404, 'There is no such machine'], [409, 'Its state does not allow it'], [422, 'Its BMC refused'])
  async verifyMachine(
    @Param('id', { schema: idOrName }) id: string,
    @Query({ schema: machineWaitQuery }) { wait, timeout }: MachineWaitQuery,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineView> {
    const machine = await this.verbs.verify((await this.machines.find(id)).id, asker);
    if (wait === undefined) return this.view(machine);
    response.status(200);
    return this.answerWhenChecked(machine.id, timeout * 1000, response);
  }

  private async answerWhenChecked(id: string, timeoutMs: number, response: Response): Promise<MachineView> {
    const { kind, machine } = await this.enrolment.checked(id, { timeoutMs, gone: goneSignal(response) });
    if (kind === 'refused') {
      answerProblemWith(response, 422); // the request was at fault, not a server on the way
      throw lastErrorOf(machine);
    }
    if (kind === 'waiting') response.status(202);
    return this.view(machine);
  }

  private view(machine: Parameters<typeof machineViewOf>[0]): MachineView {
    return machineViewOf(machine, this.clock.now());
  }
}

function labelsOf(label: string | undefined): Record<string, string> {
  if (label === undefined) return {};
  const at = label.indexOf('=');
  return { [label.slice(0, at)]: label.slice(at + 1) };
}
