import type { Readable } from 'node:stream';
import { DomainError } from '#core';
import { bytesToTellPacking } from './packing.js';

/** Looks at the first bytes of a stream without taking them from it; leaves the stream alive when reading stops. */
export async function peek(source: Readable): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const chunks = received(source);
  const first: Buffer[] = [];
  let head = Buffer.alloc(0);
  while (head.length < bytesToTellPacking) {
    const { done, value } = await chunks.next();
    if (done) break;
    first.push(value);
    head = Buffer.concat([head, value]);
  }
  async function* all() {
    yield* first;
    yield* chunks;
  }
  return { head, all: all() };
}

async function* received(source: Readable): AsyncGenerator<Buffer, undefined> {
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (cause) {
    if (cause instanceof DomainError) throw cause;
    throw new DomainError('upload-incomplete', 'The sender stopped before the end of the image.', {
      cause,
      remedy: 'Send the image again; nothing of it was kept.',
    });
  }
}
