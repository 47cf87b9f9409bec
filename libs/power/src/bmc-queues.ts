import type { Clock } from '#platform';
import PQueue from 'p-queue';
import { type QueuedOptions, queued } from './queued.js';

interface BmcQueue {
  queue: PQueue;
  /** When the gap after the last command is over, on the monotonic clock. */
  freeAtMs: number;
  /** The last command was an order: it changed something, or was to. */
  hadOrder: boolean;
}

interface TaskOptions extends QueuedOptions {
  /** It is to change something; false for a look at the state. */
  isOrder: boolean;
}

/**
 * One task at a time per BMC, in the order they came, with a gap between them: BMCs hang after bursts. An order that follows a
 * look goes at once: the look was made for its sake, a machine waits for it, and two commands are no burst.
 */
export class BmcQueues {
  private readonly queues = new Map<string, BmcQueue>();

  constructor(
    private readonly clock: Clock,
    private readonly gapMs: number,
  ) {}

  run<T>(bmc: string, task: () => Promise<T>, options: TaskOptions): Promise<T> {
    const own = this.queueOf(bmc);
    return queued(own.queue, () => this.spaced(own, task, options), options);
  }

  private async spaced<T>(
    own: BmcQueue,
    task: () => Promise<T>,
    { isOrder, signal }: TaskOptions,
  ): Promise<T> {
    const waitMs = own.freeAtMs - this.clock.monotonicMs();
    const mayGo = isOrder && !own.hadOrder;
    if (waitMs > 0 && !mayGo) await this.clock.sleep(waitMs, signal);
    own.hadOrder = isOrder;
    try {
      return await task();
    } finally {
      own.freeAtMs = this.clock.monotonicMs() + this.gapMs;
    }
  }

  private queueOf(bmc: string): BmcQueue {
    let own = this.queues.get(bmc);
    if (!own) {
      own = { queue: new PQueue({ concurrency: 1 }), freeAtMs: -Infinity, hadOrder: false };
      this.queues.set(bmc, own);
    }
    return own;
  }
}
