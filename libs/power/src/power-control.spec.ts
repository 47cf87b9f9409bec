import { DomainError } from '#core';
import { Secret } from '#platform';
import { FakeClock, type FakeCommand, FakePowerDriver } from '#testing';
import { describe, expect, it } from 'vitest';
import type { PowerEvent } from './command-sender.js';
import { PowerControl, type PowerControlOptions } from './power-control.js';
import type { BmcAddress } from './power-driver.js';

const bmcAt = (host: string): BmcAddress => ({
  host,
  port: 623,
  user: 'admin',
  password: new Secret('secret'),
  cipherSuite: 3,
});
const bmc = bmcAt('10.0.0.1');

const failure = (code: DomainError['code'], executed: false | 'unknown' = false) =>
  new DomainError(code, `it was ${code}`, { context: { executed } });

/** Commands end only when the test lets them. */
class Gate {
  readonly waiting: { command: FakeCommand; open: () => void }[] = [];

  readonly hold = (command: FakeCommand) =>
    new Promise<void>((resolve) => {
      this.waiting.push({ command, open: resolve });
    });

  get hosts() {
    return this.waiting.map(({ command }) => command.bmc.host);
  }

  openNext() {
    this.waiting.shift()?.open();
  }
}

function setUp({
  before,
  ...options
}: PowerControlOptions & { before?: (command: FakeCommand) => void | Promise<void> } = {}) {
  const driver = new FakePowerDriver(before);
  const clock = new FakeClock();
  const events: PowerEvent[] = [];
  const control = new PowerControl(driver, clock, {
    onCommand: (event) => events.push(event),
    concurrency: 2,
    gapMs: 0,
    minBackoffMs: 1,
    maxBackoffMs: 1,
    ...options,
  });
  return { driver, clock, control, events, machine: driver.add(bmc) };
}

/** Fails the first commands with the errors given, in order. */
function failing(...errors: DomainError[]) {
  return () => {
    const error = errors.shift();
    if (error) throw error;
  };
}

describe('PowerControl tries again', () => {
  it('what may pass, and tells of every try', async () => {
    const { control, machine, events } = setUp({
      before: failing(failure('bmc-busy'), failure('bmc-no-answer', 'unknown')),
    });
    await control.on(bmc);
    expect(machine.power).toBe('on');
    expect(events.map(({ verb, attempt, result, error }) => [verb, attempt, result, error?.code])).toEqual([
      ['on', 1, 'failed', 'bmc-busy'],
      ['on', 2, 'failed', 'bmc-no-answer'],
      ['on', 3, 'ok', undefined],
    ]);
  });

  it('as often as it is told, then gives the failure back', async () => {
    const { control, driver } = setUp({ retries: 1 });
    await expect(control.status(bmcAt('10.9.9.9'))).rejects.toMatchObject({ code: 'bmc-no-answer' });
    await expect(control.status(bmcAt('10.9.9.9'), { retries: 0 })).rejects.toMatchObject({
      code: 'bmc-no-answer',
    });
    expect(driver.commands).toHaveLength(3);
  });

  it('nothing that will not pass', async () => {
    const { control, driver } = setUp();
    const wrong = { ...bmc, password: new Secret('wrong') };
    await expect(control.on(wrong)).rejects.toMatchObject({ code: 'bmc-wrong-credentials' });
    expect(driver.commands).toHaveLength(1);
  });

  it.each(['reset', 'cycle'] as const)('no %s that may have been carried out', async (verb) => {
    const { control, driver } = setUp({
      before: failing(failure('bmc-no-answer'), failure('bmc-no-answer', 'unknown')),
    });
    await expect(control[verb](bmc)).rejects.toMatchObject({ context: { executed: 'unknown' } });
    expect(driver.commands).toHaveLength(2);
  });
});

describe('PowerControl reads the state back', () => {
  it('until it is what was asked for', async () => {
    const { control, clock, driver, machine } = setUp({ readBackMs: 1000 });
    driver.on = async () => {
      clock.setTimeout(() => {
        machine.power = 'on';
      }, 2500);
    };
    const switched = control.ensure(bmc, 'on', { timeoutMs: 10_000 });
    await clock.advance(3000);
    expect(await switched).toEqual({ changed: true });
    expect(driver.commands.map(({ verb }) => verb)).toEqual([
      'status',
      'status',
      'status',
      'status',
      'status',
    ]);
  });

  it('and says so when it never becomes that', async () => {
    const { control, clock, driver } = setUp();
    driver.on = async () => undefined;
    const switched = control.ensure(bmc, 'on', { timeoutMs: 5000 });
    const failed = expect(switched).rejects.toMatchObject({
      code: 'bmc-state-not-reached',
      message: 'BMC 10.0.0.1:623: power was to be on; after 5000 ms it says off',
    });
    await clock.advance(5000);
    await failed;
  });

  it('through moments in which the BMC does not answer', async () => {
    const { control, clock, machine } = setUp({
      before: failing(failure('bmc-no-answer'), failure('bmc-busy')),
    });
    machine.power = 'on';
    const seen = control.waitFor(bmc, 'on', { timeoutMs: 10_000 });
    await clock.advance(4000);
    await seen;
  });

  it('but not past a failure that will not pass', async () => {
    const { control } = setUp();
    const wrong = { ...bmc, user: 'nobody' };
    await expect(control.waitFor(wrong, 'on', { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'bmc-wrong-credentials',
    });
  });

  it('and sends nothing to a machine that is so already', async () => {
    const { control, driver } = setUp();
    expect(await control.ensure(bmc, 'off', { timeoutMs: 1000 })).toEqual({ changed: false });
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['status']);
  });
});

describe('PowerControl shuts down', () => {
  it('softly, and cuts the power only when that did not help', async () => {
    const { control, clock, driver } = setUp();
    driver.add(bmc, { power: 'on', obeysSoftOff: false });
    const done = control.shutDown(bmc, { softTimeoutMs: 30_000, timeoutMs: 10_000 });
    await clock.advance(29_999);
    expect(driver.commands.some(({ verb }) => verb === 'off')).toBe(false);
    await clock.advance(1);
    expect(await done).toBe('hard');
  });

  it('hard at once when the BMC cannot do it softly', async () => {
    const { control, driver } = setUp({
      before: ({ verb }) => {
        if (verb === 'softOff') throw failure('bmc-refused');
      },
    });
    const machine = driver.add(bmc, { power: 'on' });
    expect(await control.shutDown(bmc, { softTimeoutMs: 30_000, timeoutMs: 10_000 })).toBe('hard');
    expect(machine.power).toBe('off');
  });
});

describe('PowerControl queues', () => {
  it('one command at a time per BMC, in order, with the gap between', async () => {
    const gate = new Gate();
    const { control, clock, driver } = setUp({ before: gate.hold, gapMs: 500 });
    const all = Promise.all([control.off(bmc), control.on(bmc)]);
    await clock.advance(1000);
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['off']);
    gate.openNext();
    await clock.advance(499);
    expect(driver.commands).toHaveLength(1);
    await clock.advance(1);
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['off', 'on']);
    gate.openNext();
    await all;
  });

  it('an order at once after the look that was made for its sake, and the next look after the gap', async () => {
    const { control, clock, driver } = setUp({ gapMs: 500 });
    const ensured = control.ensure(bmc, 'on', { timeoutMs: 1000 });
    await clock.advance(0);
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['status', 'on']);
    await clock.advance(499);
    expect(driver.commands).toHaveLength(2);
    await clock.advance(1);
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['status', 'on', 'status']);
    await ensured;
  });

  it('over all BMCs no more than it is told, and hands the place of one that waits on', async () => {
    const gate = new Gate();
    const { control, clock, driver } = setUp({ before: gate.hold, concurrency: 2, handOnAfterMs: 200 });
    const hosts = ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4'];
    hosts.forEach((host) => driver.add(bmcAt(host)));
    const all = Promise.all(hosts.map((host) => control.status(bmcAt(host))));
    await clock.advance(199);
    expect(gate.hosts).toEqual(hosts.slice(0, 2));
    await clock.advance(1);
    expect(gate.hosts).toEqual(hosts);
    hosts.forEach(() => gate.openNext());
    await all;
  });

  it('a BMC that did not answer apart, until it answers again', async () => {
    const gate = new Gate();
    let dead = true;
    const { control, clock, driver } = setUp({
      concurrency: 1,
      silentConcurrency: 1,
      handOnAfterMs: Infinity,
      retries: 0,
      before: async (command) => {
        await gate.hold(command);
        if (dead && command.bmc.host === bmc.host) throw failure('bmc-no-answer');
      },
    });
    const other = bmcAt('10.0.0.2');
    driver.add(other);
    const first = control.status(bmc);
    await clock.advance(0);
    gate.openNext();
    await expect(first).rejects.toMatchObject({ code: 'bmc-no-answer' });

    const apart = control.status(bmc);
    const beside = control.status(other);
    await clock.advance(0);
    expect(gate.hosts).toEqual([bmc.host, other.host]);
    dead = false;
    gate.openNext();
    gate.openNext();
    await Promise.all([apart, beside]);

    const both = Promise.all([control.status(bmc), control.status(other)]);
    await clock.advance(0);
    expect(gate.hosts).toEqual([bmc.host]);
    gate.openNext();
    await clock.advance(0);
    gate.openNext();
    await both;
  });

  it('an order ahead of looks', async () => {
    const gate = new Gate();
    const { control, clock, driver } = setUp({ before: gate.hold, concurrency: 1, handOnAfterMs: Infinity });
    ['10.0.1.1', '10.0.1.2'].forEach((host) => driver.add(bmcAt(host)));
    const all = Promise.all([
      control.status(bmcAt('10.0.1.1')),
      control.status(bmcAt('10.0.1.2')),
      control.on(bmc),
    ]);
    for (let left = 3; left > 0; left -= 1) {
      await clock.advance(0);
      gate.openNext();
    }
    await all;
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['status', 'on', 'status']);
  });

  it('a look in the background after every other', async () => {
    const gate = new Gate();
    const { control, clock, driver } = setUp({ before: gate.hold, concurrency: 1, handOnAfterMs: Infinity });
    const [first, background, awaited] = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map(bmcAt);
    [first!, background!, awaited!].forEach((address) => driver.add(address));
    const all = Promise.all([
      control.status(first!),
      control.status(background!, { background: true }),
      control.status(awaited!),
    ]);
    for (let left = 3; left > 0; left -= 1) {
      await clock.advance(0);
      gate.openNext();
    }
    await all;
    expect(gate.hosts).toEqual([]);
    expect(driver.commands.map(({ bmc }) => bmc)).toEqual(['10.0.1.1:623', '10.0.1.3:623', '10.0.1.2:623']);
  });
});

describe('PowerControl stops when the caller aborts', () => {
  it('a command that waits for its turn', async () => {
    const gate = new Gate();
    const { control, clock, driver } = setUp({ before: gate.hold });
    const abort = new AbortController();
    const first = control.status(bmc);
    const second = control.on(bmc, { signal: abort.signal });
    abort.abort(new Error('shutting down'));
    await expect(second).rejects.toThrow('shutting down');
    await clock.advance(0);
    gate.openNext();
    await first;
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['status']);
  });

  it('a command under way, and the next one begins only when that has ended', async () => {
    let end = () => {};
    const ending = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { control, clock, driver, events } = setUp({
      before: async ({ signal }) => {
        if (!signal) return;
        await ending; // as a program takes its time to die
        signal.throwIfAborted();
      },
    });
    const abort = new AbortController();
    const first = expect(control.on(bmc, { signal: abort.signal })).rejects.toThrow('shutting down');
    await clock.advance(0);
    const second = control.status(bmc);
    abort.abort(new Error('shutting down'));
    await clock.advance(1000);
    expect(driver.commands.map(({ verb }) => verb)).toEqual(['on']);
    end();
    await first;
    await second;
    expect(events.map(({ verb, result }) => [verb, result])).toEqual([
      ['on', 'aborted'],
      ['status', 'ok'],
    ]);
  });

  it('a wait', async () => {
    const { control, clock } = setUp();
    const abort = new AbortController();
    const waiting = control.waitFor(bmc, 'on', { timeoutMs: 10_000, signal: abort.signal });
    await clock.advance(3000);
    abort.abort(new Error('shutting down'));
    await expect(waiting).rejects.toThrow('shutting down');
    expect(clock.pending).toBe(0);
  });
});
