import type { Clock, ClockTimer } from './clock.js';

/**
 * One and the same piece of work, again and again: at the start, and `everyMs` after each time that it has ended. `round`
 * tells of its own failures; the signal is aborted once it is to end.
 */
export class Rounds {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private timer: ClockTimer | undefined;

  constructor(
    private readonly round: (signal: AbortSignal) => Promise<void>,
    private readonly everyMs: number,
    private readonly clock: Clock,
  ) {}

  /** Does not wait for the first round. */
  start(): void {
    this.running = this.round(this.stopping.signal).finally(() => {
      if (this.stopping.signal.aborted) return;
      this.timer = this.clock.setTimeout(() => this.start(), this.everyMs);
    });
  }

  /** Resolves when the round in hand has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.timer?.cancel();
    await this.running;
  }
}
