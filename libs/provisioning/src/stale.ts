import { DomainError } from '#core';
import pRetry from 'p-retry';

/** Somebody was first: nothing has failed, what was read is only no longer so. */
export function isStale(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'state-changed';
}

/** Looks and decides again, three times at most, when what was looked at has moved on before it could be changed. */
export function weighAnew<T>(lookAndChange: () => Promise<T>): Promise<T> {
  return pRetry(lookAndChange, { retries: 3, minTimeout: 10, shouldRetry: isStale });
}
