import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { FileStore } from '@tus/file-store';
import { Server, type Upload } from '@tus/server';
import type { Request, Response } from 'express';
import { DomainError } from '#core';
import { type DownloadProgress, diskFull } from '#images';
import type { Config } from '#platform';
import { CONFIG } from '../parts.module.js';

const chunkBytes = 1024 * 1024;

/**
 * Files that are sent in as many pieces as it takes, by the protocol tus 1.0 (tus.io): what has arrived stays, and the
 * sender asks how much that is. One that is called after its digest (metadata `digest`) is found again by anybody who
 * sends the same file.
 */
@Injectable()
export class Uploads implements OnModuleInit {
  private readonly store: UploadFiles;
  private readonly server: Server;

  constructor(@Inject(CONFIG) { dataDir, images }: Config) {
    this.store = new UploadFiles(join(dataDir, 'uploads'), images.uploadsKeepMs);
    this.server = new Server({
      path: '/v1/uploads',
      datastore: this.store,
      relativeLocation: true,
      maxSize: images.maxBytes,
      namingFunction: (_request, metadata) => nameOf(metadata),
      onUploadCreate: async () => {
        await this.server.cleanUpExpiredUploads();
        return {};
      },
      onResponseError: (_request, error) => {
        if (error instanceof DomainError) throw error; // to be answered as everywhere
        return undefined;
      },
    });
  }

  async onModuleInit(): Promise<void> {
    await this.server.cleanUpExpiredUploads();
  }

  /** One request of the protocol. */
  async handle(request: Request, response: Response): Promise<void> {
    await this.server.handle(request, response);
  }

  /** The file, once all of it is there. Throws DomainError `upload-not-found` or `upload-incomplete`. */
  async open(
    id: string,
    onProgress: (progress: DownloadProgress) => void,
  ): Promise<{ stream: Readable; totalBytes: number }> {
    const { offset, size } = await this.find(id);
    if (offset !== size)
      throw new DomainError(
        'upload-incomplete',
        `Of the upload, ${offset} of ${size ?? 'unknown'} bytes have come.`,
        {
          remedy: `Send the rest: PATCH /v1/uploads/${id} with Upload-Offset: ${offset}.`,
          context: { field: 'upload' },
        },
      );
    const content = counted(this.store.path(id), (receivedBytes) =>
      onProgress({ receivedBytes, totalBytes: size }),
    );
    return { stream: Readable.from(content, { objectMode: false }), totalBytes: size };
  }

  async remove(id: string): Promise<void> {
    await this.store.remove(id);
  }

  private async find(id: string): Promise<Upload> {
    try {
      return await this.store.getUpload(id);
    } catch (cause) {
      throw new DomainError('upload-not-found', `There is no upload ${id}.`, {
        cause,
        remedy: 'It was imported already, or given up as too old. Send the file again: POST /v1/uploads.',
        context: { field: 'upload' },
      });
    }
  }
}

/** A file for each upload, and beside it what is known of it. */
class UploadFiles extends FileStore {
  constructor(directory: string, keepMs: number) {
    super({ directory, expirationPeriodInMilliseconds: keepMs });
  }

  path(id: string): string {
    return join(this.directory, id);
  }

  /** The same as there, but it says when the disk is full. */
  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const target = createWriteStream(this.path(id), {
      flags: 'r+',
      start: offset,
      highWaterMark: chunkBytes,
    });
    try {
      await pipeline(source, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(this.directory, error) : error;
    }
    return offset + target.bytesWritten;
  }
}

const digest = /^([0-9a-f]{64}|[0-9a-f]{128})$/;

function nameOf(metadata: Record<string, string | null> | undefined): string {
  const given = metadata?.digest ?? '';
  if (digest.test(given)) return given;
  throw new DomainError('invalid-request', 'The upload has no digest that it is called after.', {
    remedy: 'Send Upload-Metadata: digest BASE64, of the SHA-256 or SHA-512 of the file in hexadecimal.',
  });
}

async function* counted(file: string, report: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  report(0);
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
    yield chunk;
    bytes += chunk.length;
    report(bytes);
  }
}
