import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { allowedInstanceVerbs } from '#core';
import { idOrName, uuid, type WhyView, whyView } from '#contract';
import { Why } from '#provisioning';
import { InstanceStore, MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { whyViewOf } from './why-view.js';

const description =
  'Concluded from its timeline: since when, what was last seen, what is missing, what to check next. `findings` has what matters most first.';

@ApiTags('why')
@ApiBearerAuth('api-token')
@Controller('v1')
export class WhyController {
  constructor(
    private readonly why: Why,
    private readonly machines: MachineStore,
    private readonly instances: InstanceStore,
  ) {}

  @Get('machines/:id/why')
  @ApiOperation({ summary: 'Say where a machine stands, and why', description })
  @Answers(200, 'Where it stands', whyView)
  @Problems([404, 'There is no such machine'])
  async explainMachine(@Param('id', { schema: idOrName }) id: string): Promise<WhyView> {
    return whyViewOf(await this.why.machine(await this.machines.find(id)));
  }

  @Get('instances/:id/why')
  @ApiOperation({ summary: 'Say where an instance stands, and why', description })
  @Answers(200, 'Where it stands', whyView)
  @Problems([404, 'There is no such instance'])
  async explainInstance(@Param('id', { schema: uuid }) id: string): Promise<WhyView> {
    const instance = await this.instances.get(id);
    const answer = await this.why.instance(instance);
    return { ...whyViewOf(answer), nextVerbs: allowedInstanceVerbs(instance.state, answer.machine) };
  }
}
