import type { Clock } from '#platform';

/** Longer than an installer or an installed OS pauses before it says its word again. */
const hearingMs = 60_000;
/** The wall clock and the monotonic one part by less than this unless the former was set, or the host was asleep. */
const jumpMs = 5000;

/**
 * Nobody was silent while nobody listened. A deadline that ran out while no controller was there, or because the clock was set,
 * is put off until machines have had the time to say again what they have to say.
 */
export class Silence {
  private since: Date;
  private offsetMs: number;

  constructor(private readonly clock: Clock) {
    this.since = clock.now();
    this.offsetMs = this.offset();
  }

  /** When a silence that was to end at `until`, and may be `deadlineMs` long, really ends. */
  endOf(until: Date, deadlineMs: number): Date {
    const offsetMs = this.offset();
    if (Math.abs(offsetMs - this.offsetMs) > jumpMs) this.since = this.clock.now();
    this.offsetMs = offsetMs;
    const heardMs = this.since.getTime() + Math.min(deadlineMs, hearingMs);
    return new Date(Math.max(until.getTime(), heardMs));
  }

  private offset(): number {
    return this.clock.now().getTime() - this.clock.monotonicMs();
  }
}
