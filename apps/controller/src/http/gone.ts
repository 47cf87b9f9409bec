import type { Response } from 'express';

/** Aborted when the client closes the connection before it has its answer. */
export function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
