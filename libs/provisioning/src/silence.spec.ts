import { expect, it } from 'vitest';
import { FakeClock } from '#testing';
import { Silence } from './silence.js';

const minuteMs = 60_000;

/** The wall clock of a host may be set; the monotonic one goes on. */
class SetClock extends FakeClock {
  setMs = 0;

  override now(): Date {
    return new Date(super.now().getTime() + this.setMs);
  }
}

const after = (clock: FakeClock, ms: number) => new Date(clock.now().getTime() + ms);

it('ends a silence when its time is over', async () => {
  const clock = new SetClock();
  const silence = new Silence(clock);
  await clock.advance(10 * minuteMs);
  const until = after(clock, minuteMs);
  expect(silence.endOf(until, 5 * minuteMs)).toEqual(until);
});

it('gives machines a minute to speak when their time ran out while no controller was there', () => {
  const clock = new SetClock();
  const silence = new Silence(clock);
  expect(silence.endOf(after(clock, -minuteMs), 5 * minuteMs)).toEqual(after(clock, minuteMs));
});

it('gives no more time than the stage itself has', () => {
  const clock = new SetClock();
  const silence = new Silence(clock);
  expect(silence.endOf(after(clock, -minuteMs), 2000)).toEqual(after(clock, 2000));
});

it('begins to listen anew when the clock was set', async () => {
  const clock = new SetClock();
  const silence = new Silence(clock);
  const until = after(clock, 15 * minuteMs);
  await clock.advance(5 * minuteMs);
  clock.setMs = 120 * minuteMs;
  expect(silence.endOf(until, 15 * minuteMs)).toEqual(after(clock, minuteMs));
  await clock.advance(2 * minuteMs);
  expect(silence.endOf(until, 15 * minuteMs).getTime()).toBeLessThan(clock.now().getTime());
});
