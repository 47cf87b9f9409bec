import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';

export interface StreamedPost {
  headers: Record<string, string>;
  content: Readable;
  signal: AbortSignal;
}

/**
 * POSTs a stream. Not with fetch(), which gives up on an answer after five minutes: a controller may check and
 * store a large image for longer than that.
 */
export function streamedPost(url: string, { headers, content, signal }: StreamedPost): Promise<Response> {
  const isTls = new URL(url).protocol === 'https:';
  const send = isTls ? httpsRequest : httpRequest;
  // A server that was told `Connection: close` cuts the connection with the answer, which may then be lost.
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true });
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'POST', headers, signal, agent });
    request.on('response', (message) => {
      content.destroy();
      message.on('close', () => agent.destroy());
      resolve(webResponse(message));
    });
    request.on('error', reject);
    content.on('error', (error) => request.destroy(error));
    content.pipe(request);
  });
}

function webResponse(message: IncomingMessage): Response {
  const headers = Object.entries(message.headers).map(([key, value]): [string, string] => [
    key,
    String(value),
  ]);
  // Node's web stream and the one that fetch's types know are the same thing.
  const body = Readable.toWeb(message) as ReadableStream<Uint8Array>;
  return new Response(body, { status: message.statusCode ?? 500, headers });
}
