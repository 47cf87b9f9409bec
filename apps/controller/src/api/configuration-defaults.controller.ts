import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type ConfigurationDefaults,
  configurationDefaults,
  configurationDefaultsList,
  type ConfigurationDefaultsView,
  configurationDefaultsView,
  defaultsName,
  defaultsScope,
  type Page,
  type PagingQuery,
  pagingQuery,
} from '#contract';
import type { DefaultsScope } from '#core';
import { type Asker, Configuring } from '#provisioning';
import { ConfigurationDefaultsStore, type DefaultsPlace, InstanceTypeStore, MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { AskedBy } from './api-token.guard.js';
import { defaultsViewOf } from './configuration-view.js';
import { TakesConfiguration } from './takes-configuration.js';

const placeHelp =
  'A cluster or instance type by its name, a machine by its id or name. They are inherited by instances that are spawned from now on.';

@ApiTags('configuration defaults')
@ApiBearerAuth('api-token')
@Controller('v1/configuration-defaults')
export class ConfigurationDefaultsController {
  constructor(
    private readonly defaults: ConfigurationDefaultsStore,
    private readonly configuring: Configuring,
    private readonly types: InstanceTypeStore,
    private readonly machines: MachineStore,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List what clusters, instance types and machines give their instances' })
  @Answers(200, 'A page of defaults', configurationDefaultsList)
  @Problems()
  async listDefaults(
    @Query({ schema: pagingQuery }) query: PagingQuery,
  ): Promise<Page<ConfigurationDefaultsView>> {
    const { items, next } = await this.defaults.list(query);
    return { items: items.map(defaultsViewOf), next };
  }

  @Get(':scope/:name')
  @ApiOperation({ summary: 'Show the defaults of a cluster, an instance type or a machine' })
  @Answers(200, 'The defaults; what is secret is told of and not shown', configurationDefaultsView)
  @Problems([404, 'There are none'])
  async showDefaults(
    @Param('scope', { schema: defaultsScope }) scope: DefaultsScope,
    @Param('name', { schema: defaultsName }) name: string,
  ): Promise<ConfigurationDefaultsView> {
    return defaultsViewOf(await this.defaults.get(await this.place(scope, name)));
  }

  @Put(':scope/:name')
  @TakesConfiguration()
  @ApiOperation({ summary: 'Set the defaults, in place of those that are there', description: placeHelp })
  @Answers(200, 'The defaults as they are now', configurationDefaultsView)
  @Problems([404, 'There is no such instance type or machine'])
  async putDefaults(
    @Param('scope', { schema: defaultsScope }) scope: DefaultsScope,
    @Param('name', { schema: defaultsName }) name: string,
    @Body({ schema: configurationDefaults }) wanted: ConfigurationDefaults,
    @AskedBy() asker: Asker,
  ): Promise<ConfigurationDefaultsView> {
    const place = await this.place(scope, name);
    return defaultsViewOf(await this.defaults.put(place, await this.configuring.taken(wanted), asker.name));
  }

  @Delete(':scope/:name')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove the defaults',
    description: 'Instances that were spawned with them keep what they have.',
  })
  @Answers(204, 'Removed')
  @Problems([404, 'There are none'])
  async deleteDefaults(
    @Param('scope', { schema: defaultsScope }) scope: DefaultsScope,
    @Param('name', { schema: defaultsName }) name: string,
  ): Promise<void> {
    await this.defaults.remove(await this.place(scope, name));
  }

  /** A cluster need not be there: it begins with its first instance. */
  private async place(scope: DefaultsScope, name: string): Promise<DefaultsPlace> {
    if (scope === 'type') return { scope, name: (await this.types.get(name)).name };
    if (scope === 'machine') return { scope, name: (await this.machines.find(name)).id };
    return { scope, name };
  }
}
