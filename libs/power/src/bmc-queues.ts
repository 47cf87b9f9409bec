import type { Clock } from '#platform';
import PQueue from 'p-queue';
import { type QueuedOptions, queued } from './queued.js';

interface BmcQueue {
  queue: PQueue;
  /** When the gap after the last command is over, on the monotonic clock. */
  freeAtMs: number;
}

/** One task at a time per BMC, in the order they came, with a gap between them: BMCs hang after bursts. */
export class BmcQueues {
  private readonly queues = new Map<string, BmcQueue>();

  constructor(
    private readonly clock: Clock,
    private readonly gapMs: number,
  ) {}

  run<T>(bmc: string, task: () => Promise<T>, options: QueuedOptions): Promise<T> {
    const own = this.queueOf(bmc);
    return queued(own.queue, () => this.spaced(own, task, options.signal), options);
  }

  private async spaced<T>(own: BmcQueue, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const waitMs = own.freeAtMs - this.clock.monotonicMs();
    if (waitMs > 0) await this.clock.sleep(waitMs, signal);
    try {
      return await task();
    } finally {
      own.freeAtMs = this.clock.monotonicMs() + this.gapMs;
    }
  }

  private queueOf(bmc: string): BmcQueue {
    let own = this.queues.get(bmc);
    if (!own) {
      own = { queue: new PQueue({ concurrency: 1 }), freeAtMs: -Infinity };
      this.queues.set(bmc, own);
    }
    return own;
  }
}
