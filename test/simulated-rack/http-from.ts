import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Fetching } from './behaviour.js';

export interface HttpFrom {
  /** The address to speak from. */
  from: string;
  signal: AbortSignal;
  method?: 'GET' | 'HEAD' | 'POST';
  headers?: OutgoingHttpHeaders;
  body?: string;
}

export interface HttpAnswer {
  status: number;
  text: string;
}

/** One request on a connection of its own, as curl makes it. */
function open(url: string, { from, signal, method, headers, body }: HttpFrom): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { localAddress: from, signal, method, headers, agent: false };
    httpRequest(url, options, resolve).on('error', reject).end(body);
  });
}

/** The whole answer as text. Rejects when there is none. */
export async function ask(url: string, how: HttpFrom): Promise<HttpAnswer> {
  const answer = await open(url, how);
  return { status: answer.statusCode ?? 0, text: (await buffer(answer)).toString('utf8') };
}

/** Fetches as much of a file as is wanted, and keeps none of it. Throws when it is not there or breaks off. */
export async function fetchFile(url: string, fetching: Fetching, how: HttpFrom): Promise<void> {
  if (fetching === 'none') return;
  const range = typeof fetching === 'object' ? { range: `bytes=0-${fetching.bytes - 1}` } : {};
  const method = fetching === 'head' ? 'HEAD' : 'GET';
  const answer = await open(url, { ...how, method, headers: range });
  for await (const _chunk of answer);
  const status = answer.statusCode ?? 0;
  if (status >= 300) throw new Error(`${url}: HTTP ${status}`);
}

/** Takes the first piece of a file and no more; the connection stays open until the signal ends it. */
export async function stallIn(url: string, how: HttpFrom): Promise<void> {
  const answer = await open(url, how);
  answer.on('error', () => undefined);
  answer.once('data', () => answer.pause());
}
