import { describe, expect, it, vi } from 'vitest';
import { RequestRate } from './request-rate.js';

const ask = async (rate: RequestRate, caller: string, times: number) => {
  const waits = [];
  for (let time = 0; time < times; time += 1) waits.push(await rate.waitS(caller));
  return waits;
};

describe('the rate of a caller', () => {
  it('lets a burst through, then says how long to wait', async () => {
    const waits = await ask(new RequestRate(2), 'a', 13);
    expect(waits.slice(0, 12)).toEqual(Array(12).fill(0));
    expect(waits[12]).toBe(1);
  });

  it('is its own, and nobody else’s', async () => {
    const rate = new RequestRate(2);
    await ask(rate, 'a', 20);
    expect(await ask(rate, 'b', 12)).toEqual(Array(12).fill(0));
  });

  it('holds again after a second, without another burst in the same minute', async () => {
    vi.useFakeTimers();
    try {
      const rate = new RequestRate(2);
      await ask(rate, 'a', 13);
      vi.advanceTimersByTime(1001);
      expect(await ask(rate, 'a', 3)).toEqual([0, 0, 1]);
    } finally {
      vi.useRealTimers();
    }
  });
});
