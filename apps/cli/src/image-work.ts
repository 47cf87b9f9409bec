import { imageProgress, type ImageView, imageView } from '#contract';
import { DomainError, type ImageProgress } from '#core';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ApiProblem, parseProblem } from './api-problem.js';
import type { ApiRequest, HttpTransport } from './http-transport.js';
import { unreachable } from './unreachable.js';

/** What is done with an image: it is sent, and then what the controller does with it. */
export type TransferProgress = ImageProgress | (Omit<ImageProgress, 'stage'> & { stage: 'send' });

export interface Following {
  onProgress?: (progress: TransferProgress) => void;
  signal?: AbortSignal;
}

/** Has the controller do what takes a while with an image, and stays on the line until it is done. */
export async function workOnImage(
  transport: HttpTransport,
  request: ApiRequest,
  { onProgress, signal }: Following,
): Promise<ImageView> {
  const headers = { accept: 'text/event-stream, application/problem+json', ...request.headers };
  const response = await transport.send({ ...request, headers, signal });
  for await (const { event, data } of messagesOf(response, transport.url)) {
    if (event === 'image') return imageView.parse(JSON.parse(data));
    if (event === 'problem') throw problemOf(data, request);
    if (event === 'progress') onProgress?.(imageProgress.parse(JSON.parse(data)));
  }
  throw new DomainError('controller-unreachable', 'The controller ended in the middle of the work.', {
    remedy: 'See what is there (dodai images list), and ask again.',
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

function problemOf(data: string, { method = 'GET', path }: ApiRequest): ApiProblem {
  const problem = parseProblem(data);
  const status = typeof problem.status === 'number' ? problem.status : 500;
  return new ApiProblem(status, problem, `${method} ${path}`);
}
