import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { unreadableFile } from './input-files.js';

/** SHA-256 in hexadecimal, read piece by piece. */
export async function sha256OfFile(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw unreadableFile(file, error);
  });
  return hash.digest('hex');
}
