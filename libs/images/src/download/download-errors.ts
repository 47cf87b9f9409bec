import { DomainError } from '#core';

/** Without what follows the question mark: it may be a secret that gives access. */
function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** `why` goes on after `it`. */
export function refusedUrl(url: URL, why: string, cause?: unknown): DomainError {
  return new DomainError('image-url-refused', `The image is not fetched from ${shownUrl(url)}: ${why}.`, {
    cause,
    remedy:
      'Give a URL of a public server; or, when this one is meant, allow its host or network in DODAI_IMAGE_URL_ALLOW.',
    context: { field: 'url' },
  });
}

export function failedDownload(url: URL, why: string, cause?: unknown): DomainError {
  return new DomainError('image-download-failed', `Fetching ${shownUrl(url)} failed: ${why}.`, {
    cause,
    remedy: 'Check the URL from the host of the controller (curl -I), and try again; nothing was kept.',
    context: { field: 'url' },
  });
}

/** Plain words for what the resolver, the operating system or the TLS layer said. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the name server did not answer',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no route to that network',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was closed before the end',
};

/** What failed on the way, as an error of ours; those that are one already stay as they are. */
export function downloadError(url: URL, error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  return failedDownload(url, reasons[code ?? ''] ?? message ?? String(error), error);
}
