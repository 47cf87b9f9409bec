import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DomainError, type Machine, type TimelineEvent } from '#core';
import { createLogger } from '#platform';
import { ConsoleCapture } from '#provisioning';
import { ConsoleStore, MachineLocks } from '#store';
import { FakeConsoleSource } from '#testing';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

const logger = createLogger({ level: 'silent', pretty: false });
const cleanUps: (() => Promise<void>)[] = [];
let postgres: TestPostgres;
let engine: TestEngine;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  engine = await TestEngine.start(await postgres.database());
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await engine.stop();
});

/** A conductor's capture, with a connection of its own to hold machines by. */
async function startCapture(source: FakeConsoleSource, sessions = 8) {
  const { machines, events, feed, clock } = engine;
  const locks = new MachineLocks(engine.database, logger);
  const stores = { machines, events, consoles: new ConsoleStore(events), locks };
  const host = { feed, clock, logger, sessions, lingerMs: 0 };
  const capture = new ConsoleCapture(stores, engine.bmc, source, host);
  cleanUps.push(
    () => capture.stop(),
    () => locks.stop(),
  );
  await capture.start();
  return { capture, locks };
}

const consoleEvents = async ({ id: machineId }: Machine): Promise<TimelineEvent[]> =>
  (await engine.events.list({ machineId, kinds: ['console.'], limit: 1000 })).items;
const kindsOf = async (machine: Machine) => (await consoleEvents(machine)).map(({ kind }) => kind);

/** Waits until the timeline of the machine has this, and answers it. */
async function untilTold(machine: Machine, isMeant: (event: TimelineEvent) => boolean, times = 1) {
  for (;;) {
    let unsubscribe = () => {};
    const more = new Promise<void>((resolve) => (unsubscribe = engine.feed.subscribe(() => resolve())));
    const found = (await consoleEvents(machine)).filter(isMeant);
    if (found.length >= times) {
      unsubscribe();
      return found[times - 1]!;
    }
    await more;
    unsubscribe();
  }
}
const isKind = (kind: string) => (event: TimelineEvent) => event.kind === kind;
const says = (text: string) => (event: TimelineEvent) => String(event.data.text).includes(text);

const refuses = (code: DomainError['code']) => () => {
  throw new DomainError(code, 'the BMC has no serial over LAN', { remedy: 'enable it' });
};

describe('the serial console of a machine that is installed', () => {
  it('is on the timeline from its first boot to the end of the work', async () => {
    const source = new FakeConsoleSource();
    await startCapture(source);
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine, 'blue');
    const bmc = engine.addressOf(machine);
    await source.say(bmc, 'SeaBIOS\n');
    await source.say(bmc, 'Booting from network\n\n');
    const said = await untilTold(machine, says('network'));
    expect(said).toMatchObject({
      message: 'Booting from network',
      instanceId: instance.id,
      data: { text: 'SeaBIOS\nBooting from network\n\n' },
    });
    await engine.install(instance);
    await untilTold(machine, isKind('console.closed'));
    expect(source.asked).toHaveLength(1);
    expect(await kindsOf(machine)).toEqual(['console.opened', 'console.output', 'console.closed']);

    await engine.verbs.destroy(instance.id, { kind: 'token', name: 'test' });
    await source.say(bmc, 'wiping\n');
    await untilTold(machine, says('wiping'));
    await engine.wipe(instance);
    const consoles = new ConsoleStore(engine.events);
    const upTo = await engine.events.latestId();
    const text = async (instanceId?: string) => {
      const pieces = consoles.text({ machineId: machine.id, upTo, instanceId });
      return (await Readable.from(pieces).toArray()).join('');
    };
    expect(await text()).toBe('wiping\n');
    expect(await text(instance.id)).toBe('SeaBIOS\nBooting from network\n\nwiping\n');
  });

  it('is written in batches, and no more of it than 1 MiB', async () => {
    const source = new FakeConsoleSource();
    await startCapture(source);
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    const bmc = engine.addressOf(machine);
    for (let number = 0; number < 64; number += 1) await source.say(bmc, `${'x'.repeat(127)}\n`);
    await untilTold(machine, isKind('console.output'), 2);
    expect((await consoleEvents(machine)).filter(isKind('console.output'))).toHaveLength(2);
    for (let number = 0; number < 16; number += 1) await source.say(bmc, `${'x'.repeat(65_535)}\n`);
    const cut = await untilTold(machine, isKind('console.cut'));
    expect(cut.message).toContain('1048576 bytes');
    await untilTold(machine, isKind('console.closed'));
    expect(source.asked).toHaveLength(1);
  });

  it('is opened again when the session broke off, taking it from what was left behind', async () => {
    const source = new FakeConsoleSource();
    await startCapture(source);
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    const bmc = engine.addressOf(machine);
    await source.say(bmc, 'before\n');
    await untilTold(machine, says('before'));
    await source.lose(bmc, new DomainError('console-lost', 'the session broke off'));
    await source.say(bmc, 'after\n');
    await untilTold(machine, says('after'));
    expect(source.asked.map(({ takeOver }) => takeOver)).toEqual([false, true]);
    expect(await kindsOf(machine)).toContain('console.lost');
  });

  it('is taken up again by a controller that starts while the work is under way', async () => {
    const first = new FakeConsoleSource();
    const { capture, locks } = await startCapture(first);
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    await first.say(engine.addressOf(machine), 'one\n');
    await untilTold(machine, says('one'));
    await capture.stop();
    await locks.stop();
    expect((await kindsOf(machine)).at(-1)).toBe('console.closed');
    const second = new FakeConsoleSource();
    await startCapture(second);
    await second.say(engine.addressOf(machine), 'two\n');
    await untilTold(machine, says('two'));
    expect(second.asked).toMatchObject([{ takeOver: false }]);
  });
});

describe('a console that cannot be shown', () => {
  it('is told once, and the installation goes on', async () => {
    const source = new FakeConsoleSource(refuses('bmc-refused'));
    await startCapture(source);
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine, 'blue');
    const { message, data } = await untilTold(machine, isKind('console.unavailable'));
    expect(message).toContain('the BMC has no serial over LAN');
    expect(data).toEqual({ code: 'bmc-refused', remedy: 'enable it' });
    expect((await engine.install(instance)).state).toBe('used');
    expect(source.asked).toHaveLength(1);
    expect(await kindsOf(machine)).toEqual(['console.unavailable']);
  });

  it('for a reason that may pass is tried again, and told once all the same', async () => {
    const source = new FakeConsoleSource(() => {
      if (source.asked.length < 3) refuses('bmc-no-answer')();
    });
    await startCapture(source);
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    await source.say(engine.addressOf(machine), 'at last\n');
    await untilTold(machine, says('at last'));
    expect(await kindsOf(machine)).toEqual(['console.unavailable', 'console.opened', 'console.output']);
  });

  it('because all sessions are in use says so', async () => {
    const source = new FakeConsoleSource();
    await startCapture(source, 1);
    const [first, second] = [await engine.inactiveMachine('m1', 1), await engine.inactiveMachine('m2', 2)];
    await engine.spawn(first);
    await untilTold(first, isKind('console.opened'));
    await engine.spawn(second);
    expect((await untilTold(second, isKind('console.skipped'))).message).toContain('DODAI_CONSOLE_SESSIONS');
  });
});

describe('two conductors', () => {
  it('listen once, and the second goes on when the first has died', async () => {
    const [first, second] = [new FakeConsoleSource(), new FakeConsoleSource()];
    const { locks } = await startCapture(first);
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine);
    await first.say(engine.addressOf(machine), 'to the first\n');
    await untilTold(machine, says('to the first'));
    await startCapture(second);
    await engine.say(instance.id, 'install');
    expect(await kindsOf(machine)).toEqual(['console.opened', 'console.output']);
    expect(second.asked).toEqual([]);

    await locks.stop(); // the connection of a process that died
    await engine.say(instance.id, 'install_reboot');
    await Promise.race([
      second.say(engine.addressOf(machine), 'to whoever is there\n'),
      first.say(engine.addressOf(machine), 'to whoever is there\n'),
    ]);
    await untilTold(machine, says('to whoever is there'));
  });
});
