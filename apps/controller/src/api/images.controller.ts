import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import {
  type Digests,
  idOrName,
  imageDigests,
  imageFetch,
  imageList,
  type ImagePatch,
  imagePatch,
  type ImageSums,
  imageSums,
  imageUploadQuery,
  type ImageView,
  imageView,
  type Page,
  type PagingQuery,
  pagingQuery,
} from '#contract';
import { ImageStore } from '#store';
import { Answers, Problems, QueryOf } from '../http/answers.js';
import { TakesBody, TakesNoBody } from '../http/body.interceptor.js';
import { MiB, parseJson, readBody } from '../http/body-reader.js';
import { Shutdown } from '../http/shutdown.js';
import { validated } from '../http/validation.js';
import { ImageFetching } from './image-fetching.js';
import { ImageInstalls } from './image-installs.js';
import { ImageShelf } from './image-shelf.js';
import { jsonType, LongAnswers, streamType } from './long-answers.js';
import { SignedDigests } from './signed-digests.js';
import { imageViewOf } from './views.js';

const fileType = 'application/octet-stream';

/** What answers that take a while have in common. */
const streaming = `With \`Accept: ${streamType}\` the answer is a stream, in which something comes every few seconds: events \`progress\` (ImageProgress), and at last \`image\` (Image) or \`problem\` (Problem). What is refused at once is a problem as elsewhere.`;

const description = `As \`${fileType}\` the body is the file, and the query says what it is. As \`${jsonType}\` it is an order to take the file from a URL, or from an upload in pieces (\`/v1/uploads\`, by the protocol tus 1.0), and there is no query. ${streaming}`;

const requestBody = {
  required: true,
  content: {
    [fileType]: {
      schema: {
        type: 'string',
        format: 'binary',
        description:
          'A whole disk (raw, qcow2, VMDK, VHD, VHDX, VDI), a root file system (ext4, ext3, ext2, XFS, Btrfs), a tarball of one, or an ISO; as it is, or compressed with zstd, gzip, xz or bzip2',
      },
    },
    [jsonType]: { schema: { $ref: '#/components/schemas/ImageFetch' } },
  },
};

const noQuery = z.strictObject({});

@ApiTags('images')
@ApiBearerAuth('api-token')
@Controller('v1/images')
export class ImagesController {
  constructor(
    private readonly images: ImageStore,
    private readonly shelf: ImageShelf,
    private readonly installs: ImageInstalls,
    private readonly fetching: ImageFetching,
    private readonly signedDigests: SignedDigests,
    private readonly longAnswers: LongAnswers,
    private readonly shutdown: Shutdown,
  ) {}

  @Post()
  @TakesBody({ as: 'stream', types: [fileType, jsonType] })
  @ApiOperation({ summary: 'Import an OS image: send it, or have it fetched', description, requestBody })
  @QueryOf(imageUploadQuery)
  @ApiProduces(jsonType, streamType)
  @Answers(201, 'Imported', imageView)
  @Problems(
    [409, 'Another image has this name'],
    [
      422,
      'It is no image, is damaged or too large, or has another digest; or the URL is of a place not to go to',
    ],
    [502, 'It could not be fetched'],
    [507, 'The disk of the controller is full'],
  )
  async importImage(@Req() request: Request, @Res() response: Response): Promise<void> {
    if (request.is(jsonType)) return await this.fetchImage(request, response);
    const wanted = validated(imageUploadQuery, request.query);
    const length = request.headers['content-length'];
    const totalBytes = length === undefined ? undefined : Number(length);
    await this.longAnswers.answer(request, response, { status: 201 }, async (onProgress) => {
      const { signal } = this.shutdown;
      const open = async () => ({ stream: request, totalBytes });
      return imageViewOf(await this.shelf.add(wanted, open, { signal, onProgress }));
    });
  }

  private async fetchImage(request: Request, response: Response): Promise<void> {
    validated(noQuery, request.query);
    const wanted = validated(imageFetch, parseJson(await readBody(request, MiB)));
    const first = { stage: 'fetch', doneBytes: 0, totalBytes: null } as const;
    await this.longAnswers.answer(request, response, { status: 201, first }, (tell) =>
      this.fetching.fetch(wanted, response, tell),
    );
  }

  @Post('sums')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Check the signature of a list of digests',
    description: 'Answers what the list has for a file, for an import that is told by it.',
  })
  @Answers(200, 'The digests', imageDigests)
  @Problems([422, 'The signature is wrong, or of a key that was not given'])
  async readSums(@Body({ schema: imageSums }) sums: ImageSums): Promise<Digests> {
    const { sums: text, sumsSignature: signature, sumsKeyring: keyring, fileName } = sums;
    return await this.signedDigests.read({ text, signature, keyring, fileName });
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

  @Patch(':id')
  @ApiOperation({
    summary: 'Say how an image is installed',
    description: 'For installations from now on; the image itself stays as it is.',
  })
  @Answers(200, 'The image as it is now', imageView)
  @Problems(
    [404, 'There is no such image'],
    [422, 'What it holds cannot be installed so, or its answer file has faults'],
  )
  async patchImage(
    @Param('id', { schema: idOrName }) id: string,
    @Body({ schema: imagePatch }) { install }: ImagePatch,
  ): Promise<ImageView> {
    return imageViewOf(await this.installs.set(await this.images.find(id), install));
  }

  @Post(':id/check')
  @TakesNoBody()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Look into an image anew',
    description: `Reads what is stored of it, fetched again when it is not here, and keeps what is found. ${streaming}`,
  })
  @ApiProduces(jsonType, streamType)
  @Answers(200, 'The image, with what was found', imageView)
  @Problems(
    [404, 'There is no such image, or its files are on another controller'],
    [422, 'Its stored files are damaged'],
    [507, 'The disk of the controller is full'],
  )
  async checkImage(
    @Param('id', { schema: idOrName }) id: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const image = await this.images.find(id);
    const first = { stage: 'unpack', doneBytes: 0, totalBytes: image.dataBytes } as const;
    await this.longAnswers.answer(request, response, { status: 200, first }, async (onProgress) => {
      const { signal } = this.shutdown;
      return imageViewOf(await this.shelf.lookAgain(image, { signal, onProgress }));
    });
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
