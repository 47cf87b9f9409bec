import { Injectable } from '@nestjs/common';
import type { TimelineEvent } from '#core';
import { Clock } from '#platform';
import { EventFeed } from '#store';
import { Shutdown } from '../http/shutdown.js';

export interface WaitLimits {
  timeoutMs: number;
  /** Aborted when nobody listens any more. */
  gone: AbortSignal;
}

/** Holds a request until a condition is true, looking again whenever the timeline grows. */
@Injectable()
export class EventWait {
  constructor(
    private readonly feed: EventFeed,
    private readonly clock: Clock,
    private readonly shutdown: Shutdown,
  ) {}

  /** Resolves with the last look: reached, or the time was over. Throws `shutting-down` when the controller stops. */
  async until<Look extends { reached: boolean }>(
    concerns: (event: TimelineEvent) => boolean,
    { timeoutMs, gone }: WaitLimits,
    look: () => Promise<Look>,
  ): Promise<Look> {
    const bell = new Bell();
    const ring = () => bell.ring();
    const unsubscribe = this.feed.subscribe((event) => concerns(event) && ring());
    let isOver = timeoutMs === 0;
    const timer = this.clock.setTimeout(() => {
      isOver = true;
      ring();
    }, timeoutMs);
    const ends = [gone, this.shutdown.signal];
    for (const end of ends) end.addEventListener('abort', ring, { once: true });
    try {
      for (;;) {
        const rung = bell.next(); // before looking: what happens meanwhile is not missed
        const seen = await look();
        this.shutdown.signal.throwIfAborted();
        if (seen.reached || gone.aborted || isOver) return seen;
        await rung;
      }
    } finally {
      unsubscribe();
      timer.cancel();
      for (const end of ends) end.removeEventListener('abort', ring);
    }
  }
}

/** Wakes whoever waits for the next ring. */
class Bell {
  private wake: () => void = () => undefined;

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  ring(): void {
    this.wake();
  }
}
