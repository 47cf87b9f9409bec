import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type DocumentList, documentList, type InstanceCreate, instanceCreate, uuid } from '#contract';
import { type RenderedDocument, Rendering } from '#provisioning';
import { Answers, Problems } from '../http/answers.js';
import { TakesConfiguration } from './takes-configuration.js';

const description = 'Secrets are left out. What each one is for: docs/design/metadata.md.';

@ApiTags('instances')
@ApiBearerAuth('api-token')
@Controller('v1/instances')
export class DocumentsController {
  constructor(private readonly rendering: Rendering) {}

  @Post('documents')
  @HttpCode(200)
  @TakesConfiguration()
  @ApiOperation({ summary: 'Show what the OS of a spawn would be told, and reserve nothing', description })
  @Answers(200, 'The documents, as for the machine that would be chosen now', documentList)
  @Problems(
    [404, 'The image, the instance type, the machine or the cluster is not known'],
    [409, 'No machine is free, or the cluster has another VLAN'],
    [422, 'The image does not fit the disk, or cannot do what is asked'],
  )
  async beforehand(@Body({ schema: instanceCreate }) wanted: InstanceCreate): Promise<DocumentList> {
    return listOf(await this.rendering.beforehand(wanted));
  }

  @Get(':id/documents')
  @ApiOperation({ summary: 'Show what the OS of an instance is told', description })
  @Answers(200, 'The documents', documentList)
  @Problems([404, 'There is no such instance, or it has no machine any more'])
  async documents(@Param('id', { schema: uuid }) id: string): Promise<DocumentList> {
    return listOf(await this.rendering.existing(id));
  }
}

function listOf(documents: RenderedDocument[]): DocumentList {
  return {
    documents: documents.map(({ content, ...same }) => {
      const text = content.toString();
      const isText = Buffer.from(text).equals(content);
      return {
        ...same,
        bytes: content.length,
        content: isText ? text : null,
        base64: isText ? null : content.toString('base64'),
      };
    }),
  };
}
