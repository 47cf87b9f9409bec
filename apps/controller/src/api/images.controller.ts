import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import {
  idOrName,
  imageList,
  type ImageUploadQuery,
  imageUploadQuery,
  type ImageView,
  imageView,
  type Page,
  type PagingQuery,
  pagingQuery,
} from '#contract';
import { ImageStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { TakesBody } from '../http/body.interceptor.js';
import { ImageShelf } from './image-shelf.js';
import { imageViewOf } from './views.js';

@ApiTags('images')
@ApiBearerAuth('api-token')
@Controller('v1/images')
export class ImagesController {
  constructor(
    private readonly images: ImageStore,
    private readonly shelf: ImageShelf,
  ) {}

  @Post()
  @TakesBody({ as: 'stream', types: ['application/octet-stream'] })
  @ApiConsumes('application/octet-stream')
  @ApiBody({
    schema: { type: 'string', format: 'binary' },
    description: 'An ext4, ext3 or ext2 file system: raw, or compressed with zstd, gzip, xz or bzip2',
  })
  @ApiOperation({ summary: 'Import an OS image' })
  @Answers(201, 'Imported', imageView)
  @Problems(
    [409, 'Another image has this name'],
    [422, 'It is no image, is damaged or too large, or has another digest'],
    [507, 'The disk of the controller is full'],
  )
  async importImage(
    @Query({ schema: imageUploadQuery }) query: ImageUploadQuery,
    @Req() request: Request,
  ): Promise<ImageView> {
    const length = request.headers['content-length'];
    const image = await this.shelf.add(query, request, length === undefined ? undefined : Number(length));
    return imageViewOf(image);
  }

  @Get()
  @ApiOperation({ summary: 'List images, by name' })
  @Answers(200, 'A page of images', imageList)
  @Problems()
  async listImages(@Query({ schema: pagingQuery }) query: PagingQuery): Promise<Page<ImageView>> {
    const { items, next } = await this.images.list(query);
    return { items: items.map(imageViewOf), next };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Show an image, by id or name' })
  @Answers(200, 'The image', imageView)
  @Problems([404, 'There is no such image'])
  async showImage(@Param('id', { schema: idOrName }) id: string): Promise<ImageView> {
    return imageViewOf(await this.images.find(id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an image' })
  @Answers(204, 'Deleted')
  @Problems([404, 'There is no such image'], [409, 'An instance uses it'])
  async deleteImage(@Param('id', { schema: idOrName }) id: string): Promise<void> {
    await this.shelf.remove(await this.images.find(id));
  }
}
