import type { DomainError } from '#core';
import type { ImageDownloads } from '#images';

const patienceMs = 120_000;

/** What is at a URL, when it is not longer than that. Throws DomainError `image-url-refused` or `image-download-failed`. */
export async function fetchBounded(
  downloads: ImageDownloads,
  url: string,
  { limitBytes, tooLong }: { limitBytes: number; tooLong: () => DomainError },
): Promise<Buffer> {
  const signal = AbortSignal.timeout(patienceMs);
  const { stream } = await downloads.open(url, { signal, onProgress: () => undefined });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw tooLong(); // which ends the download
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
