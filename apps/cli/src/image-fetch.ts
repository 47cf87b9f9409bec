import { type ImageFetchInput, imageFetchProgress, type ImageView, imageView } from '#contract';
import { DomainError } from '#core';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ApiProblem, parseProblem } from './api-problem.js';
import type { HttpTransport } from './http-transport.js';
import type { TransferProgress } from './image-upload.js';
import { unreachable } from './unreachable.js';

export interface FetchOptions {
  onProgress?: (progress: TransferProgress) => void;
  signal?: AbortSignal;
}

const path = '/v1/images';

/** Has the controller fetch an image, and stays on the line until it is there; without it the controller gives up. */
export async function fetchImage(
  transport: HttpTransport,
  order: ImageFetchInput,
  { onProgress, signal }: FetchOptions,
): Promise<ImageView> {
  const headers = { accept: 'text/event-stream, application/problem+json' };
  const response = await transport.send({ method: 'POST', path, body: order, headers, signal });
  for await (const { event, data } of messagesOf(response, transport.url)) {
    if (event === 'image') return imageView.parse(JSON.parse(data));
    if (event === 'problem') throw problemOf(data);
    const progress = event === 'progress' ? imageFetchProgress.parse(JSON.parse(data)) : undefined;
    if (progress) onProgress?.({ sentBytes: progress.receivedBytes, totalBytes: progress.totalBytes });
  }
  throw new DomainError('controller-unreachable', 'The controller ended in the middle of the fetching.', {
    remedy: 'See whether the image is there (dodai images list), and import it again when it is not.',
  });
}

async function* messagesOf(response: Response, url: string) {
  const messages = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  try {
    for await (const message of messages ?? []) yield message;
  } catch (error) {
    throw error instanceof DomainError ? error : unreachable(url, error);
  }
}

function problemOf(data: string): ApiProblem {
  const problem = parseProblem(data);
  const status = typeof problem.status === 'number' ? problem.status : 500;
  return new ApiProblem(status, problem, `POST ${path}`);
}
