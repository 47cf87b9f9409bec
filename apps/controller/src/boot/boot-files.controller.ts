import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Controller,
  Get,
  Header,
  Inject,
  NotFoundException,
  Param,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { DomainError } from '#core';
import { uuid } from '#contract';
import type { Config } from '#platform';
import { type InstallerFile, installerFiles, Netbooting } from '#provisioning';
import { NeedsNoApiToken } from '../api/api-token.guard.js';
import { CONFIG } from '../parts.module.js';
import { FetchRecorder } from './fetch-recorder.js';
import { ImageFiles } from './image-files.js';
import { ImageServing } from './image-serving.js';
import { FetchRefusalFilter } from './refusal-filters.js';
import { sendFile } from './send-file.js';

const liveFile = z.enum(['vmlinuz', 'initrd.img']);
const fileName = z.enum(installerFiles);
const chunkBytes = 1024 * 1024;
/** What takes some seconds on a slow network: a machine that waits for it is not stuck. */
const longBytes = 32 * 1024 * 1024;
/** Express gives what a wildcard stands for in parts. */
const treePath = z.union([z.string(), z.array(z.string())]).transform((path) => [path].flat().join('/'));

/** What machines fetch while they boot, are installed and are wiped. Names are a closed set: no path is joined from a URL, but for the files in an image. */
@ApiExcludeController()
@UseFilters(FetchRefusalFilter)
@NeedsNoApiToken()
@Controller('boot')
export class BootFilesController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly netbooting: Netbooting,
    private readonly images: ImageFiles,
    private readonly serving: ImageServing,
    private readonly recorder: FetchRecorder,
  ) {}

  @Get('live/:file')
  async liveImage(
    @Param('file', { schema: liveFile }) file: z.infer<typeof liveFile>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const path = join(this.config.liveImage.dir, file);
    const sizeBytes = await sizeOf(path);
    await this.recorder.around(request, () =>
      sendFile(request, response, {
        sizeBytes,
        type: 'application/octet-stream',
        open: (range) => createReadStream(path, { highWaterMark: chunkBytes, ...range }),
      }),
    );
  }

  @Get('images/:id')
  async image(
    @Param('id', { schema: uuid }) id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const file = await this.images.find(id);
    if (request.method === 'GET') this.recorder.began(request);
    const elsewhere = this.serving.elsewhere(file.image, request);
    if (elsewhere !== undefined) return response.redirect(307, elsewhere);
    await this.recorder.around(request, () => sendFile(request, response, file));
  }

  @Get('images/:id/chunks')
  async imageChunks(
    @Param('id', { schema: uuid }) id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const list = await this.images.findList(id);
    await this.recorder.around(request, () => sendFile(request, response, list));
  }

  /** A folder is nothing that can be sent. */
  @Get('images/:id/tree/*path')
  async imageTree(
    @Param('id', { schema: uuid }) id: string,
    @Param('path', { schema: treePath }) path: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const file = await this.images.findInTree(id, path);
    if (request.method === 'GET' && file.sizeBytes >= longBytes) this.recorder.began(request);
    await this.recorder.around(request, () => sendFile(request, response, file));
  }

  @Get('instances/:id/:file')
  @Header('Cache-Control', 'no-store')
  async instanceFile(
    @Param('id', { schema: uuid }) id: string,
    @Param('file', { schema: fileName }) file: InstallerFile,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const text = Buffer.from(await this.netbooting.file(id, file));
    response.type(file.endsWith('.sh') ? 'text/x-shellscript; charset=utf-8' : 'text/plain; charset=utf-8');
    await this.recorder.around(request, async () => {
      response.end(text);
      return { status: 200, bytes: text.length, complete: true };
    });
  }

  /** Answered as any path that there is not, and recorded: a loader with a wrong address asks here. */
  @Get('*path')
  nothing(): never {
    throw new NotFoundException();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new DomainError('not-found', `The live image has no ${path}.`, {
      cause,
      remedy: 'Build the live image and set DODAI_LIVE_IMAGE_DIR to its folder.',
    });
  }
}
