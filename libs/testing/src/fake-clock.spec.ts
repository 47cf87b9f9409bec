import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock.js';

it('wakes sleepers in the order of their moments, those included that fall asleep meanwhile', async () => {
  const clock = new FakeClock();
  const woken: string[] = [];
  const sleeper = async (name: string, ...naps: number[]) => {
    for (const nap of naps) {
      await clock.sleep(nap);
      woken.push(`${name}@${clock.monotonicMs()}`);
    }
  };
  const all = Promise.all([sleeper('a', 30), sleeper('b', 10, 10, 15)]);
  await clock.advance(34);
  expect(woken).toEqual(['b@10', 'b@20', 'a@30']);
  await clock.advance(1);
  await all;
  expect(woken.at(-1)).toBe('b@35');
  expect(clock.now()).toEqual(new Date('2026-01-01T00:00:00.035Z'));
});

it('leaves no timer behind an aborted sleeper', async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  const sleeping = clock.sleep(1000, abort.signal);
  abort.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  expect(clock.pending).toBe(0);
});
