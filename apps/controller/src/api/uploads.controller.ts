import { Controller, Delete, Head, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { TakesBody, TakesNoBody } from '../http/body.interceptor.js';
import { Uploads } from './uploads.js';

/** The routes of tus 1.0; what is sent and answered is the protocol's business (tus.io). */
@ApiExcludeController()
@Controller('v1/uploads')
export class UploadsController {
  constructor(private readonly uploads: Uploads) {}

  @Post()
  @TakesNoBody()
  async create(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.uploads.handle(request, response);
  }

  @Head(':id')
  async tell(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.uploads.handle(request, response);
  }

  @Patch(':id')
  @TakesBody({ as: 'stream', types: ['application/offset+octet-stream'] })
  async append(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.uploads.handle(request, response);
  }

  @Delete(':id')
  async remove(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.uploads.handle(request, response);
  }
}
