import { type Clock, type Logger, type Retention, Rounds } from '#platform';
import type { Pruned, Pruner } from '#store';

const everyMs = 3_600_000;

/** Keeps the timeline within its bounds: prunes at the start and once an hour. Several at once take turns. */
export class Housekeeping {
  private readonly rounds: Rounds;

  constructor(
    private readonly pruner: Pruner,
    private readonly keep: Retention,
    private readonly host: { clock: Clock; logger: Logger },
  ) {
    this.rounds = new Rounds((signal) => this.prune(signal), everyMs, host.clock);
  }

  /** Does not wait for the first round: a timeline that was never pruned may take minutes. */
  start(): void {
    this.rounds.start();
  }

  /** Resolves when the transaction in hand has ended. */
  async stop(): Promise<void> {
    await this.rounds.stop();
  }

  private async prune(signal: AbortSignal): Promise<void> {
    const { logger } = this.host;
    try {
      const pruned = await this.pruner.prune(this.keep, signal);
      if (pruned) this.tell(pruned, signal);
      else logger.debug('another conductor prunes the timeline');
    } catch (error) {
      logger.warn({ error: String(error) }, 'pruning the timeline failed; it is tried again in an hour');
    }
  }

  private tell({ excessBytes, ...removed }: Pruned, signal: AbortSignal): void {
    const { logger } = this.host;
    if (Object.values(removed).some((count) => count > 0)) logger.info(removed, 'pruned the timeline');
    if (excessBytes > 0 && !signal.aborted)
      logger.warn(
        { excessBytes },
        'the timeline is larger than DODAI_EVENTS_MAX_MB: all of it is evidence of work under way or failed; retry or destroy what failed, or allow more',
      );
  }
}
