import { DomainError } from '#core';
import type { Clock } from '#platform';
import PQueue from 'p-queue';
import { handOn } from './hand-on.js';
import { type QueuedOptions, queued } from './queued.js';

export interface CommandLanesOptions {
  /** Commands that are being worked on at once. */
  concurrency: number;
  /** A command that has waited this long for its BMC costs nothing any more: the next one may begin. */
  handOnAfterMs: number;
  /** Commands at once to BMCs that did not answer last time. */
  silentConcurrency: number;
}

/**
 * Bounds the commands over all BMCs so that dead ones never hold up the others. Whoever answered last time goes in the main lane,
 * where a place is for work, not for waiting: it is handed on after a moment. Whoever did not goes in the silent lane until it answers.
 * At most `concurrency × (duration of a command ÷ handOnAfterMs) + silentConcurrency` commands are under way.
 */
export class CommandLanes {
  private readonly main: PQueue;
  private readonly silentLane: PQueue;
  private readonly silent = new Set<string>();

  constructor(
    private readonly clock: Clock,
    private readonly options: CommandLanesOptions,
  ) {
    this.main = new PQueue({ concurrency: options.concurrency });
    this.silentLane = new PQueue({ concurrency: options.silentConcurrency });
  }

  async run<T>(bmc: string, command: () => Promise<T>, options: QueuedOptions): Promise<T> {
    const watched = () => this.watch(bmc, command);
    if (this.silent.has(bmc)) return queued(this.silentLane, watched, options);
    const { underWay } = await queued(this.main, () => this.untilWaiting(watched()), options);
    return underWay;
  }

  /** Resolves when the command has ended or has waited long enough to hand its place on; the object keeps it from being awaited. */
  private async untilWaiting<T>(underWay: Promise<T>): Promise<{ underWay: Promise<T> }> {
    await handOn(this.clock, underWay, this.options.handOnAfterMs);
    return { underWay };
  }

  private async watch<T>(bmc: string, command: () => Promise<T>): Promise<T> {
    try {
      const answer = await command();
      this.silent.delete(bmc);
      return answer;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'bmc-no-answer') this.silent.add(bmc);
      else this.silent.delete(bmc);
      throw error;
    }
  }
}
