import { Clock, type ClockTimer } from '#platform';

interface Timer {
  dueMs: number;
  fire: () => void;
}

/** Lets every promise callback and I/O event that is ready run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Time that moves only when a test says so. */
export class FakeClock extends Clock {
  private elapsedMs = 0;
  private readonly timers = new Set<Timer>();

  constructor(private readonly start = new Date('2026-01-01T00:00:00Z')) {
    super();
  }

  /** How many timers and sleepers are waiting. */
  get pending(): number {
    return this.timers.size;
  }

  now(): Date {
    return new Date(this.start.getTime() + this.elapsedMs);
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  setTimeout(fn: () => void, ms: number): ClockTimer {
    const timer = { dueMs: this.elapsedMs + Math.max(0, ms), fire: fn };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = this.setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      const abort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves time on, firing what falls due in the order of its moments, also what was started meanwhile. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.elapsedMs + ms;
    await settle();
    for (let timer = this.next(untilMs); timer; timer = this.next(untilMs)) {
      this.timers.delete(timer);
      this.elapsedMs = timer.dueMs;
      timer.fire();
      await settle();
    }
    this.elapsedMs = untilMs;
  }

  private next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueMs <= untilMs && (!first || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }
}
