import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  idOrName,
  type InstanceTypeCreate,
  instanceTypeCreate,
  instanceTypeList,
  type InstanceTypePatch,
  instanceTypePatch,
  type InstanceTypeView,
  instanceTypeView,
  layoutFault,
  type Page,
  type PagingQuery,
  pagingQuery,
} from '#contract';
import { InstanceTypeStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { invalidRequest } from '../http/validation.js';
import { PoolSettings } from './pool-settings.js';
import { instanceTypeViewOf } from './views.js';

@ApiTags('instance types')
@ApiBearerAuth('api-token')
@Controller('v1/instance-types')
export class InstanceTypesController {
  constructor(
    private readonly types: InstanceTypeStore,
    private readonly pool: PoolSettings,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create an instance type' })
  @Answers(201, 'Created', instanceTypeView)
  @Problems(
    [404, 'The default image is not known'],
    [409, 'There is one of this name, or it keeps a pool without a default image'],
    [422, 'The default image does not fit'],
  )
  async createInstanceType(
    @Body({ schema: instanceTypeCreate }) type: InstanceTypeCreate,
  ): Promise<InstanceTypeView> {
    return instanceTypeViewOf(await this.types.create(await this.pool.resolved(type)));
  }

  @Get()
  @ApiOperation({ summary: 'List instance types, by name' })
  @Answers(200, 'A page of instance types', instanceTypeList)
  @Problems()
  async listInstanceTypes(
    @Query({ schema: pagingQuery }) query: PagingQuery,
  ): Promise<Page<InstanceTypeView>> {
    const { items, next } = await this.types.list(query);
    return { items: items.map(instanceTypeViewOf), next };
  }

  @Get(':name')
  @ApiOperation({ summary: 'Show an instance type' })
  @Answers(200, 'The instance type', instanceTypeView)
  @Problems([404, 'There is no such instance type'])
  async showInstanceType(@Param('name', { schema: idOrName }) name: string): Promise<InstanceTypeView> {
    return instanceTypeViewOf(await this.types.get(name));
  }

  @Patch(':name')
  @ApiOperation({ summary: 'Change an instance type', description: 'For installations from now on.' })
  @Answers(200, 'The instance type as it is now', instanceTypeView)
  @Problems([404, 'There is no such instance type'])
  async patchInstanceType(
    @Param('name', { schema: idOrName }) name: string,
    @Body({ schema: instanceTypePatch }) patch: InstanceTypePatch,
  ): Promise<InstanceTypeView> {
    const { defaultImage, ...present } = { ...(await this.types.get(name)), ...patch };
    const message = layoutFault(present);
    if (message !== undefined) throw invalidRequest([{ field: 'localGb', message }]);
    const { createdAt: _same, ...changed } = await this.pool.resolved({ ...present, defaultImage });
    return instanceTypeViewOf(await this.types.update(name, changed));
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an instance type' })
  @Answers(204, 'Deleted')
  @Problems([404, 'There is no such instance type'], [409, 'A machine is of this type'])
  async deleteInstanceType(@Param('name', { schema: idOrName }) name: string): Promise<void> {
    await this.types.remove(name);
  }
}
