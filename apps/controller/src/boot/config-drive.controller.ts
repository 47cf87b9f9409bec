import { createHash } from 'node:crypto';
import { Controller, Get, Header, Param, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { uuid } from '#contract';
import { ConfigDrives } from '#provisioning';
import { bearerTokenOf, NeedsNoApiToken } from '../api/api-token.guard.js';
import { FetchRecorder } from './fetch-recorder.js';
import { FetchRefusalFilter } from './refusal-filters.js';

/** Of the disk that it goes to. */
const sectorBytes = z.preprocess(
  Number,
  z.union([z.literal(512), z.literal(4096)], 'is neither 512 nor 4096'),
);

/** The config drive as a file system: what it tells is for whoever has the instance's own token. */
@ApiExcludeController()
@UseFilters(FetchRefusalFilter)
@NeedsNoApiToken()
@Controller('boot/instances/:id/config-drive')
export class ConfigDriveController {
  constructor(
    private readonly drives: ConfigDrives,
    private readonly recorder: FetchRecorder,
  ) {}

  /** The digest is as RFC 9530 has it. */
  @Get()
  @Header('Content-Type', 'application/octet-stream')
  @Header('Cache-Control', 'no-store')
  async configDrive(
    @Param('id', { schema: uuid }) id: string,
    @Query('sectorBytes', { schema: sectorBytes }) sectors: z.infer<typeof sectorBytes>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const image = await this.drives.image(id, bearerTokenOf(request), sectors);
    const digest = createHash('sha256').update(image).digest('base64');
    await this.recorder.around(request, async () => {
      response.set('Repr-Digest', `sha-256=:${digest}:`).end(image);
      return { status: 200, bytes: image.length, complete: true };
    });
  }
}
