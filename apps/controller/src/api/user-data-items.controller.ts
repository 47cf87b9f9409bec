import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  idOrName,
  type Page,
  type PagingQuery,
  pagingQuery,
  userDataItemList,
  userDataItemName,
  type UserDataItemPut,
  userDataItemPut,
  type UserDataItemQuery,
  userDataItemQuery,
  type UserDataItemStored,
  userDataItemStored,
  type UserDataItemSummary,
  type UserDataItemView,
  userDataItemView,
} from '#contract';
import type { UserDataItem, UserDataPart } from '#core';
import { UserDataChecks } from '#metadata';
import type { Asker } from '#provisioning';
import { UserDataItemStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { AskedBy } from './api-token.guard.js';
import { userDataItemSummaryOf, userDataItemViewOf } from './views.js';

@ApiTags('user data items')
@ApiBearerAuth('api-token')
@Controller('v1/user-data-items')
export class UserDataItemsController {
  constructor(
    private readonly items: UserDataItemStore,
    private readonly checks: UserDataChecks,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List the library of user data, by name',
    description: 'The newest version of each.',
  })
  @Answers(200, 'A page of parts, without their content', userDataItemList)
  @Problems()
  async listUserDataItems(
    @Query({ schema: pagingQuery }) query: PagingQuery,
  ): Promise<Page<UserDataItemSummary>> {
    const { items, next } = await this.items.list(query);
    return { items: items.map(userDataItemSummaryOf), next };
  }

  @Get(':name')
  @ApiOperation({ summary: 'Show a part of the library', description: 'Without `version`: the newest.' })
  @Answers(200, 'The part', userDataItemView)
  @Problems([404, 'There is no such part, or no such version of it'])
  async showUserDataItem(
    @Param('name', { schema: idOrName }) name: string,
    @Query({ schema: userDataItemQuery }) { version }: UserDataItemQuery,
  ): Promise<UserDataItemView> {
    return this.viewOf(await this.items.get({ name, version: version ?? null }));
  }

  @Put(':name')
  @ApiOperation({
    summary: 'Put a part into the library',
    description:
      'It is checked as it would be at a spawn. Under a name that is there it becomes the next version; the others stay as they are. What is there already, word for word, makes none.',
  })
  @Answers(200, 'The part as it is now', userDataItemStored)
  @Problems()
  async putUserDataItem(
    @Param('name', { schema: userDataItemName }) name: string,
    @Body({ schema: userDataItemPut }) wanted: UserDataItemPut,
    @AskedBy() asker: Asker,
  ): Promise<UserDataItemStored> {
    const warnings = await this.checks.parts([partOf(name, wanted)], 'content');
    const stored = await this.items.put({ name, ...wanted, createdBy: asker.name });
    return { ...(await this.viewOf(stored)), warnings };
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a part from the library',
    description: 'Without `version`: all versions. Instances that were spawned with it keep what they have.',
  })
  @Answers(204, 'Removed')
  @Problems(
    [404, 'There is no such part, or no such version of it'],
    [409, 'Defaults of a cluster, an instance type or a machine name it'],
  )
  async deleteUserDataItem(
    @Param('name', { schema: idOrName }) name: string,
    @Query({ schema: userDataItemQuery }) { version }: UserDataItemQuery,
  ): Promise<void> {
    await this.items.remove({ name, version: version ?? null });
  }

  private async viewOf(item: UserDataItem): Promise<UserDataItemView> {
    return userDataItemViewOf(item, await this.items.versions(item.name));
  }
}

function partOf(fileName: string, { type, content, template, mergeType }: UserDataItemPut): UserDataPart {
  return { type, fileName, content, template, ...(mergeType !== null && { mergeType }) };
}
