import { Body, Controller, Param, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PowerOrderVerb } from '#core';
import {
  type InstanceView,
  instanceView,
  type ManualFailure,
  manualFailure,
  type MarkRequest,
  markRequest,
  type RebuildRequest,
  rebuildRequest,
  type StopRequest,
  stopRequest,
  uuid,
} from '#contract';
import { type Asker, Verbs } from '#provisioning';
import { InstanceStore } from '#store';
import { AskedBy } from './api-token.guard.js';
import { InstanceReader } from './instance-reader.js';
import { verbRoutesOf } from './verb-route.js';

const VerbRoute = verbRoutesOf('instance', instanceView);
const waits = (wait: string) => `\`?wait=${wait}\` at the Location holds the answer.`;

@ApiTags('instances')
@ApiBearerAuth('api-token')
@Controller('v1/instances')
export class InstanceVerbsController {
  constructor(
    private readonly instances: InstanceStore,
    private readonly reader: InstanceReader,
    private readonly verbs: Verbs,
  ) {}

  @VerbRoute({
    path: 'rebuild',
    summary: 'Install it anew, from its own image or another; what is on the disk is lost',
    description: waits('active'),
    body: 'optional',
  })
  async rebuildInstance(
    @Param('id', { schema: uuid }) id: string,
    @Body({ schema: rebuildRequest }) { image }: RebuildRequest,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    await this.verbs.rebuild(id, image, asker);
    return this.accepted(id, response);
  }

  @VerbRoute({ path: 'retry', summary: 'Try a failed work again, from the stage that failed' })
  async retryInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    await this.verbs.retry({ instanceId: id }, asker);
    return this.accepted(id, response);
  }

  @VerbRoute({
    path: 'abort',
    summary: 'End the work under way; it has then failed, and the machine is left as it stands',
  })
  async abortInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    await this.verbs.abort({ instanceId: id }, asker);
    return this.accepted(id, response);
  }

  @VerbRoute({
    path: 'manual-done',
    summary:
      'Say that the person who was called has installed it; it is then started anew, and its OS has to come up',
    description: waits('installed'),
  })
  async manualDone(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    await this.verbs.manualDone({ instanceId: id }, asker);
    return this.accepted(id, response);
  }

  @VerbRoute({
    path: 'manual-failed',
    summary: 'Say that the person who was called could not install it; the installation has then failed',
    body: 'needed',
    status: 200,
  })
  async manualFailed(
    @Param('id', { schema: uuid }) id: string,
    @Body({ schema: manualFailure }) { reason }: ManualFailure,
    @AskedBy() asker: Asker,
  ): Promise<InstanceView> {
    await this.verbs.manualFailed({ instanceId: id }, reason, asker);
    return this.shown(id);
  }

  @VerbRoute({ path: 'start', summary: 'Switch its machine on', description: waits('active') })
  async startInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    return this.order(id, 'start', asker, response);
  }

  @VerbRoute({
    path: 'stop',
    summary: 'Shut its OS down, and cut the power when it does not obey; `hard` cuts it at once',
    description: waits('stopped'),
    body: 'optional',
  })
  async stopInstance(
    @Param('id', { schema: uuid }) id: string,
    @Body({ schema: stopRequest }) { hard }: StopRequest,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    return this.order(id, 'stop', asker, response, hard);
  }

  @VerbRoute({
    path: 'reboot',
    summary: 'Shut its OS down, see the machine off, switch it on',
    description: waits('active'),
  })
  async rebootInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    return this.order(id, 'reboot', asker, response);
  }

  @VerbRoute({
    path: 'power-cycle',
    summary: 'Cut the power, see the machine off, switch it on',
    description: waits('active'),
  })
  async powerCycleInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    return this.order(id, 'power_cycle', asker, response);
  }

  @VerbRoute({
    path: 'force-destroy',
    summary: 'Give it up at once, whatever its BMC does',
    description:
      'Its machine was not wiped, so nobody gets it: it is `delete_failed` until a retry has wiped it, or it is removed.',
  })
  async forceDestroyInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    await this.verbs.forceDestroy(id, asker);
    return this.accepted(id, response);
  }

  @VerbRoute({
    path: 'lock',
    summary: 'Protect it from every verb that ends or interrupts what runs on it',
    body: 'needed',
    status: 200,
  })
  async lockInstance(
    @Param('id', { schema: uuid }) id: string,
    @Body({ schema: markRequest }) { reason }: MarkRequest,
    @AskedBy() asker: Asker,
  ): Promise<InstanceView> {
    await this.verbs.lock({ instanceId: id }, reason, asker);
    return this.shown(id);
  }

  @VerbRoute({ path: 'unlock', summary: 'End its protection', status: 200 })
  async unlockInstance(
    @Param('id', { schema: uuid }) id: string,
    @AskedBy() asker: Asker,
  ): Promise<InstanceView> {
    await this.verbs.lock({ instanceId: id }, null, asker);
    return this.shown(id);
  }

  private async order(
    instanceId: string,
    verb: PowerOrderVerb,
    asker: Asker,
    response: Response,
    hard = false,
  ): Promise<InstanceView> {
    await this.verbs.orderPower({ instanceId }, verb, asker, { hard });
    return this.accepted(instanceId, response);
  }

  private accepted(id: string, response: Response): Promise<InstanceView> {
    response.location(`/v1/instances/${id}`);
    return this.shown(id);
  }

  private async shown(id: string): Promise<InstanceView> {
    return this.reader.view(await this.instances.get(id));
  }
}
