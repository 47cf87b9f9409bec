import { DomainError } from '#core';

/** Somebody was first: nothing has failed, what was read is only no longer so. */
export function isStale(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'state-changed';
}
