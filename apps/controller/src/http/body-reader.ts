import type { IncomingMessage } from 'node:http';
import { DomainError } from '#core';

export const KiB = 1024;
export const MiB = 1024 * KiB;

function tooLarge(limitBytes: number): DomainError {
  return new DomainError(
    'request-too-large',
    `The body is larger than ${limitBytes} bytes, the most this takes.`,
    {
      remedy: 'Send less at a time.',
      context: { limitBytes },
    },
  );
}

function incomplete(cause: unknown): DomainError {
  return new DomainError('upload-incomplete', 'The sender stopped before the end of the body.', { cause });
}

/** Reads a body of at most `limitBytes`; never holds more than that, and refuses by the announced length already. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  if (request.headers['content-encoding'] !== undefined)
    throw new DomainError('invalid-request', 'Compressed bodies are not taken.', {
      remedy: 'Send it without Content-Encoding.',
    });
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > limitBytes) break;
      chunks.push(chunk as Buffer);
    }
  } catch (cause) {
    throw incomplete(cause);
  }
  if (bytes > limitBytes) throw tooLarge(limitBytes);
  return Buffer.concat(chunks);
}

/** Throws DomainError `invalid-request` with what is wrong and where. */
export function parseJson(body: Buffer): unknown {
  const text = textOf(body);
  if (text.trim() === '')
    throw new DomainError('invalid-request', 'A JSON body is needed, but the request has none.');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DomainError('invalid-request', `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Throws DomainError `invalid-request` for what is not UTF-8. */
export function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new DomainError('invalid-request', 'The body is not text in UTF-8.', { cause });
  }
}
