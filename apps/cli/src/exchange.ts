import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';

export interface Exchange {
  method: string;
  headers: Record<string, string>;
  body: Readable | string | undefined;
  signal: AbortSignal;
}

/**
 * One request, and its answer as fetch() would give it. Not by fetch(): it gives up on an answer after five minutes,
 * and of a connection that is closed before the request was sent (a tunnel to a controller that is down) Node 20
 * tells it nothing, for ever.
 */
export function exchange(url: string, { method, headers, body, signal }: Exchange): Promise<Response> {
  const isTls = new URL(url).protocol === 'https:';
  const send = isTls ? httpsRequest : httpRequest;
  // A server that was told `Connection: close` cuts the connection with the answer, which may then be lost.
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true });
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, signal, agent });
    request.on('response', (message) => {
      if (body instanceof Readable) body.destroy();
      message.on('close', () => agent.destroy());
      resolve(webResponse(message));
    });
    request.on('error', reject);
    if (!(body instanceof Readable)) {
      request.end(body);
      return;
    }
    body.on('error', (error) => request.destroy(error));
    body.pipe(request);
  });
}

function webResponse(message: IncomingMessage): Response {
  const headers = Object.entries(message.headers).map(([key, value]): [string, string] => [
    key,
    String(value),
  ]);
  const init = { status: message.statusCode ?? 500, headers };
  if (init.status === 204) {
    message.resume();
    return new Response(null, init);
  }
  // Node's web stream and the one that fetch's types know are the same thing.
  const body = Readable.toWeb(message) as ReadableStream<Uint8Array>;
  return new Response(body, init);
}
