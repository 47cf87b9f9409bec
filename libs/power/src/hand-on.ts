import type { Clock } from '#platform';

/**
 * Resolves when `underWay` has ended, however that was, or after `afterMs` while it goes on: whoever holds a place for it
 * then hands the place on, since what has taken so long waits more than it works.
 */
export function handOn(clock: Clock, underWay: Promise<unknown>, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, afterMs);
    const end = () => {
      timer.cancel();
      resolve();
    };
    underWay.then(end, end);
  });
}
