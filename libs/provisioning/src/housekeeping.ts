import type { Clock, ClockTimer, Logger, Retention } from '#platform';
import type { Pruned, Pruner } from '#store';

const everyMs = 3_600_000;

/** Keeps the timeline within its bounds: prunes at the start and once an hour. Several at once take turns. */
export class Housekeeping {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private timer: ClockTimer | undefined;

  constructor(
    private readonly pruner: Pruner,
    private readonly keep: Retention,
    private readonly host: { clock: Clock; logger: Logger },
  ) {}

  /** Does not wait for the first round: a timeline that was never pruned may take minutes. */
  start(): void {
    this.running = this.round().finally(() => {
      if (this.stopping.signal.aborted) return;
      this.timer = this.host.clock.setTimeout(() => this.start(), everyMs);
    });
  }

  /** Resolves when the transaction in hand has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.timer?.cancel();
    await this.running;
  }

  private async round(): Promise<void> {
    const { logger } = this.host;
    try {
      const pruned = await this.pruner.prune(this.keep, this.stopping.signal);
      if (pruned) this.tell(pruned);
      else logger.debug('another conductor prunes the timeline');
    } catch (error) {
      logger.warn({ error: String(error) }, 'pruning the timeline failed; it is tried again in an hour');
    }
  }

  private tell({ excessBytes, ...removed }: Pruned): void {
    const { logger } = this.host;
    if (Object.values(removed).some((count) => count > 0)) logger.info(removed, 'pruned the timeline');
    if (excessBytes > 0 && !this.stopping.signal.aborted)
      logger.warn(
        { excessBytes },
        'the timeline is larger than DODAI_EVENTS_MAX_MB: all of it is evidence of work under way or failed; retry or destroy what failed, or allow more',
      );
  }
}
