import type { Clock, ClockTimer } from '#platform';

export interface RetransmissionTiming {
  /** Before the first answer was measured. */
  initialMs: number;
  minMs: number;
  maxMs: number;
  /** How often in a row something is sent again before the client is given up. */
  maxTries: number;
}

/**
 * When to send again: the smoothed round trip of RFC 6298, doubled with every try in vain, never measured from an answer that
 * may belong to an earlier try (Karn). An answer only moves the deadline; the timer itself is set anew when it fires too early,
 * so that a transfer of 100,000 blocks sets a few timers and not 100,000.
 */
export class RetransmissionTimer {
  private smoothedMs: number | null = null;
  private variationMs = 0;
  private timeoutMs: number;
  private tries = 0;
  private sentMs = 0;
  private deadlineMs = 0;
  private timer: ClockTimer | null = null;
  private firesMs = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly timing: RetransmissionTiming,
    private readonly onTimeout: (outOfTries: boolean) => void,
  ) {
    this.timeoutMs = Math.min(timing.initialMs, timing.maxMs);
  }

  /** Something that wants an answer went out, `now` by the monotonic clock. */
  sent(now: number): void {
    this.sentMs = now;
    this.deadlineMs = now + this.timeoutMs;
    if (this.deadlineMs < this.firesMs) this.set(now);
  }

  /** The answer came: the client has moved on. */
  answered(now: number): void {
    if (this.tries === 0) this.measure(now - this.sentMs);
    this.tries = 0;
  }

  /** True when a message that crosses the network could not have been an answer to what was just sent. */
  isTooSoonForAnswer(now: number): boolean {
    return now - this.sentMs < (this.smoothedMs ?? 0) / 2;
  }

  /** What was sent last was sent again, and has no answer yet. */
  get isRetrying(): boolean {
    return this.tries > 0;
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
    this.firesMs = Infinity;
  }

  private measure(roundTripMs: number): void {
    const { minMs, maxMs } = this.timing;
    if (this.smoothedMs === null) {
      this.smoothedMs = roundTripMs;
      this.variationMs = roundTripMs / 2;
    } else {
      this.variationMs += (Math.abs(roundTripMs - this.smoothedMs) - this.variationMs) / 4;
      this.smoothedMs += (roundTripMs - this.smoothedMs) / 8;
    }
    this.timeoutMs = Math.min(maxMs, Math.max(minMs, this.smoothedMs + 4 * this.variationMs));
  }

  private set(now: number): void {
    this.timer?.cancel();
    this.firesMs = this.deadlineMs;
    this.timer = this.clock.setTimeout(() => this.fire(), this.deadlineMs - now);
  }

  private fire(): void {
    this.stop();
    const now = this.clock.monotonicMs();
    // Timers may fire a fraction of a millisecond early.
    if (this.deadlineMs - now >= 1) return this.set(now);
    this.tries += 1;
    this.timeoutMs = Math.min(this.timing.maxMs, this.timeoutMs * 2);
    this.onTimeout(this.tries > this.timing.maxTries);
  }
}
