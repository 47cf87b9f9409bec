import { DomainError } from '#core';

/** `where`: the folder or file that was written. */
export function diskFull(where: string, cause?: unknown): DomainError {
  return new DomainError('disk-full', `The disk of ${where} is full; the image was not kept.`, {
    cause,
    remedy: 'Delete images that are no longer needed, or give the data directory more space.',
    context: { directory: where },
  });
}
