import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Instance } from '#core';
import {
  type DestroyQuery,
  destroyQuery,
  idempotencyKey,
  type InstanceCreate,
  instanceCreate,
  instanceList,
  type InstanceListQuery,
  instanceListQuery,
  type InstanceView,
  instanceView,
  type InstanceWaitQuery,
  instanceWaitQuery,
  mostNamed,
  type Page,
  type SpawnPreview,
  spawnPreview,
  type SpawnQuery,
  spawnQuery,
  uuid,
} from '#contract';
import { type Asker, previewOf, Spawning, Verbs } from '#provisioning';
import { InstanceStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { goneSignal } from '../http/gone.js';
import { HeaderValue } from '../http/header-value.js';
import { AskedBy } from './api-token.guard.js';
import { EventWait } from './event-wait.js';
import { InstanceReader } from './instance-reader.js';
import { TakesConfiguration } from './takes-configuration.js';

@ApiTags('instances')
@ApiBearerAuth('api-token')
@Controller('v1/instances')
export class InstancesController {
  constructor(
    private readonly instances: InstanceStore,
    private readonly reader: InstanceReader,
    private readonly spawning: Spawning,
    private readonly verbs: Verbs,
    private readonly waiting: EventWait,
  ) {}

  @Post()
  @HttpCode(202)
  @TakesConfiguration()
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: idempotencyKey.meta()?.description })
  @ApiOperation({
    summary: 'Spawn: install a machine, or hand over one that waits in the pool',
    description:
      'Follow it at the Location; `?wait=installed` there holds the answer. With `dryRun=true` the Idempotency-Key plays no part.',
  })
  @Answers(200, 'With `dryRun=true`: what would be chosen, and why the others would not', spawnPreview)
  @Answers(202, 'A machine was chosen and its installation begins', instanceView)
  @Problems(
    [404, 'The image, the instance type, the machine or the cluster is not known'],
    [
      409,
      'No machine is free, the cluster has another VLAN, an address is in use, or the Idempotency-Key was used otherwise',
    ],
    [422, 'The image does not fit the disk'],
  )
  async spawn(
    @Body({ schema: instanceCreate }) wanted: InstanceCreate,
    @Query({ schema: spawnQuery }) { dryRun }: SpawnQuery,
    @HeaderValue({ name: 'Idempotency-Key', schema: idempotencyKey }) key: string | undefined,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView | SpawnPreview> {
    if (dryRun) {
      response.status(200);
      return previewOf(await this.spawning.assess(wanted), mostNamed);
    }
    return this.accepted(await this.spawning.spawn(wanted, asker, key), response);
  }

  @Get()
  @ApiOperation({ summary: 'List instances' })
  @Answers(200, 'A page of instances', instanceList)
  @Problems()
  async listInstances(
    @Query({ schema: instanceListQuery }) query: InstanceListQuery,
  ): Promise<Page<InstanceView>> {
    const { state: states, ...filter } = query;
    const { items, next } = await this.instances.list({ ...filter, states });
    return { items: await this.reader.views(items), next };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Show an instance, or wait for it' })
  @Answers(200, 'The instance; with `wait`: it has come there', instanceView)
  @Answers(202, 'With `wait`: it has not come there within `timeout`', instanceView)
  @Problems([404, 'There is no such instance'], [409, 'With `wait`: it failed and will not come there'])
  async showInstance(
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: instanceWaitQuery }) { wait, timeout }: InstanceWaitQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    if (wait === undefined) return this.reader.view(await this.instances.get(id));
    const limits = { timeoutMs: timeout * 1000, gone: goneSignal(response) };
    const { instance, reached } = await this.waiting.until(
      ({ instanceId }) => instanceId === id,
      limits,
      async () => this.reader.look(await this.instances.get(id), wait),
    );
    response.status(reached ? 200 : 202);
    return this.reader.view(instance);
  }

  @Delete(':id')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Destroy: wipe the machine and give it back',
    description: '`?wait=deleted` at the Location holds the answer. `force=true` is the verb force-destroy.',
  })
  @Answers(202, 'The wipe begins; with `force=true`: it is deleted', instanceView)
  @Problems(
    [404, 'There is no such instance'],
    [409, 'Its state does not allow it, or its machine is locked'],
  )
  async destroy(
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: destroyQuery }) { force }: DestroyQuery,
    @AskedBy() asker: Asker,
    @Res({ passthrough: true }) response: Response,
  ): Promise<InstanceView> {
    const { verbs } = this;
    return this.accepted(await (force ? verbs.forceDestroy(id, asker) : verbs.destroy(id, asker)), response);
  }

  private accepted(instance: Instance, response: Response): Promise<InstanceView> {
    response.location(`/v1/instances/${instance.id}`);
    return this.reader.view(instance);
  }
}
