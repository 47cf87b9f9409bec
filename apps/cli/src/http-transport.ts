import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { DomainError } from '#core';
import { ApiProblem, readProblem } from './api-problem.js';
import { exchange } from './exchange.js';
import { unreachable } from './unreachable.js';

export interface ApiRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Parameters that are undefined are left out. */
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in place of `body`, with a content-type among the headers. */
  text?: string;
  /** The same for what is too large for the memory. */
  content?: Readable;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface TransportOptions {
  /** The controller's address, such as `http://127.0.0.1:7071`. */
  url: string;
  token?: string;
  /** Ends every request, beside the signal that a request has itself. */
  signal?: AbortSignal;
}

const tokenRemedy =
  'The first token is written to <data directory>/api-token when the controller first starts. ' +
  'Name that file with --token-file or DODAI_TOKEN_FILE, or give the token in DODAI_TOKEN.';

/** One request to the controller: token, JSON both ways, errors of ours. */
export class HttpTransport {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor({ url, token, signal }: TransportOptions) {
    this.url = url.replace(/\/+$/, '');
    this.#token = token;
    this.#signal = signal;
  }

  async send(request: ApiRequest): Promise<Response> {
    const signals = [request.signal, this.#signal].filter((one) => one !== undefined);
    const signal = AbortSignal.any(signals);
    const response = await this.#exchange(request, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw unreachable(this.url, error);
    });
    if (response.ok) return response;
    throw explainToken(await readProblem(response, `${methodOf(request)} ${request.path}`), this.#token);
  }

  async read<Schema extends z.ZodType>(schema: Schema, request: ApiRequest): Promise<z.output<Schema>> {
    const response = await this.send(request);
    const answer: unknown = await response.json().catch(() => undefined);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new DomainError('internal', `The answer to ${request.path} is not what this dodai understands.`, {
      cause: parsed.error,
      remedy: 'Is this address a dodai controller? Use the command of the same version as the controller.',
    });
  }

  async #exchange(request: ApiRequest, signal: AbortSignal): Promise<Response> {
    const url = this.#urlOf(request);
    const headers = this.#headersOf(request);
    const { content, body, text = body === undefined ? undefined : JSON.stringify(body) } = request;
    return await exchange(url, { method: methodOf(request), headers, body: content ?? text, signal });
  }

  #urlOf({ path, query = {} }: ApiRequest): string {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]));
    return `${this.url}${path}${given.length > 0 ? `?${search.toString()}` : ''}`;
  }

  #headersOf({ headers, body }: ApiRequest): Record<string, string> {
    return {
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      accept: 'application/json, application/problem+json',
      ...headers,
    };
  }
}

const methodOf = ({ method = 'GET' }: ApiRequest) => method;

/** The controller cannot know where the caller keeps its token; this side can say. */
function explainToken(problem: ApiProblem, token: string | undefined): ApiProblem {
  if (problem.status !== 401) return problem;
  const detail = token
    ? 'The controller does not accept this API token.'
    : 'The controller asks for an API token and none was given.';
  const { code, title, status } = problem;
  return new ApiProblem(status, { code, title, detail, remedy: tokenRemedy }, '');
}
