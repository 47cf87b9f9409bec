import { connectionReason, DomainError } from '#core';

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

/** What failed on the way, as an error of ours; those that are one already stay as they are. */
export function downloadError(url: URL, error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  return failedDownload(url, connectionReason(error), error);
}
