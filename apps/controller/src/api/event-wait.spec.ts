import { describe, expect, it } from 'vitest';
import type { TimelineEvent } from '#core';
import type { EventFeed } from '#store';
import { FakeClock } from '#testing';
import { Shutdown } from '../http/shutdown.js';
import { EventWait } from './event-wait.js';

/** A feed that a test speaks for. */
class SpokenFeed {
  readonly listeners = new Set<(event: TimelineEvent) => void>();

  subscribe(listener: (event: TimelineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(machineId: string): void {
    const at = new Date(0);
    const event = { id: '1', at, kind: 'state.changed', machineId, instanceId: null, message: '', data: {} };
    for (const listener of this.listeners) listener(event);
  }
}

function waiting() {
  const feed = new SpokenFeed();
  const clock = new FakeClock();
  const shutdown = new Shutdown();
  const gone = new AbortController();
  let reached = false;
  let looks = 0;
  const wait = new EventWait(feed as unknown as EventFeed, clock, shutdown); // all that it uses of a feed
  const outcome = wait.until(
    ({ machineId }) => machineId === 'm1',
    { timeoutMs: 1000, gone: gone.signal },
    async () => {
      looks += 1;
      return { reached };
    },
  );
  outcome.catch(() => undefined);
  const reach = () => (reached = true);
  return { feed, clock, shutdown, gone, outcome, reach, looks: () => looks };
}

describe('a request that waits', () => {
  it('looks at once, and again whenever its machine has news', async () => {
    const { feed, clock, outcome, reach, looks } = waiting();
    await clock.advance(10);
    expect(looks()).toBe(1);
    feed.tell('m2');
    await clock.advance(10);
    expect(looks()).toBe(1);
    reach();
    feed.tell('m1');
    expect(await outcome).toEqual({ reached: true });
  });

  it('ends when its time is over, with a last look', async () => {
    const { clock, outcome, looks } = waiting();
    await clock.advance(1000);
    expect(await outcome).toEqual({ reached: false });
    expect(looks()).toBe(2);
  });

  it('ends when the client has gone', async () => {
    const { gone, outcome } = waiting();
    gone.abort();
    expect(await outcome).toEqual({ reached: false });
  });

  it('is told when the controller stops', async () => {
    const { shutdown, outcome } = waiting();
    shutdown.begin();
    await expect(outcome).rejects.toMatchObject({ code: 'shutting-down' });
  });

  it('leaves nothing behind', async () => {
    const { feed, clock, outcome, reach } = waiting();
    reach();
    feed.tell('m1');
    await outcome;
    expect([feed.listeners.size, clock.pending]).toEqual([0, 0]);
  });
});
