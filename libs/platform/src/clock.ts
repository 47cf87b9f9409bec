import { setTimeout as sleepFor } from 'node:timers/promises';

/** What `Clock.setTimeout` hands back. */
export interface ClockTimer {
  cancel(): void;
}

/** The only source of time in the product, so that tests decide what time it is. */
export abstract class Clock {
  /** The wall clock: for what is stored and shown, never for measuring. */
  abstract now(): Date;
  /** Milliseconds since some fixed moment; never goes back. For durations and deadlines. */
  abstract monotonicMs(): number;
  /** Calls `fn` once after `ms`. Does not by itself keep the process alive. */
  abstract setTimeout(fn: () => void, ms: number): ClockTimer;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted, at once if it already was. */
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Real time. `setTimeout` is unref'd: a timer is a duty on the side, and what keeps a controller running is its listener.
 * `sleep` is not: somebody awaits it, and a program that ended in the middle of an `await` would look like success.
 */
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }

  monotonicMs(): number {
    return performance.now();
  }

  setTimeout(fn: () => void, ms: number): ClockTimer {
    const timer = setTimeout(fn, ms).unref();
    return { cancel: () => clearTimeout(timer) };
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    try {
      await sleepFor(ms, undefined, { signal });
    } catch (error) {
      signal?.throwIfAborted(); // the reason the caller gave, not Node's wrapping of it
      throw error;
    }
  }
}
