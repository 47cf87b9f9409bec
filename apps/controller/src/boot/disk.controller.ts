import { Body, Controller, Get, HttpCode, Param, Post, Req, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request } from 'express';
import { z } from 'zod';
import { uuid } from '#contract';
import { DiskWrites, type DiskWriteStanding } from '#provisioning';
import { bearerTokenOf, NeedsNoApiToken } from '../api/api-token.guard.js';
import { plainAddress } from './machine-resolver.js';
import { FetchRefusalFilter } from './refusal-filters.js';
import { sourceAddressTowards } from './source-address.js';

const exportedDisk = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6()]),
  port: z.int().min(1).max(65_535),
  // RFC 7143, 4.2.7: what names are made of; no character of them means anything to qemu-img.
  target: z.string().regex(/^iqn\.[a-z0-9.:-]{1,200}$/, 'is no iSCSI name'),
});

/** A machine that exports its disk asks for it to be written, again and again until it is (install method iscsi). */
@ApiExcludeController()
@UseFilters(FetchRefusalFilter)
@NeedsNoApiToken()
@Controller('boot/instances/:id/disk')
export class DiskController {
  constructor(private readonly writes: DiskWrites) {}

  /** From where it would be written, so that the machine lets in nobody else. */
  @Get()
  async writer(
    @Param('id', { schema: uuid }) id: string,
    @Req() request: Request,
  ): Promise<{ address: string }> {
    await this.writes.check(id, bearerTokenOf(request));
    return { address: await sourceAddressTowards(plainAddress(request.socket.remoteAddress)) };
  }

  @Post()
  @HttpCode(200)
  async write(
    @Param('id', { schema: uuid }) id: string,
    @Body({ schema: exportedDisk }) disk: z.infer<typeof exportedDisk>,
    @Req() request: Request,
  ): Promise<DiskWriteStanding> {
    const client = plainAddress(request.socket.remoteAddress);
    return await this.writes.ask(id, bearerTokenOf(request), disk, client);
  }
}
