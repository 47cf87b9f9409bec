import { expect, it } from 'vitest';
import { SystemClock } from './clock.js';

const clock = new SystemClock();

it('sleeps', async () => {
  const before = clock.monotonicMs();
  await clock.sleep(5);
  expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(4);
});

it('wakes a sleeper with the reason of the abort', async () => {
  const abort = new AbortController();
  const sleeping = clock.sleep(60_000, abort.signal);
  abort.abort(new Error('shutting down'));
  await expect(sleeping).rejects.toThrow('shutting down');
  await expect(clock.sleep(60_000, abort.signal)).rejects.toThrow('shutting down');
});

it('does not fire a timer that was cancelled', async () => {
  const fired: string[] = [];
  const timer = clock.setTimeout(() => fired.push('cancelled'), 1);
  clock.setTimeout(() => fired.push('kept'), 1);
  timer.cancel();
  await clock.sleep(10);
  expect(fired).toEqual(['kept']);
});
