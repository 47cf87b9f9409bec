import { randomBytes } from 'node:crypto';
import type { Instance, Machine, TimelineEvent } from '#core';
import { type PowerSyncPolicy, Secret, SecretBox } from '#platform';
import type { PowerSync } from '#provisioning';
import { Database, LookSchedule } from '#store';
import { FakeClock, type FakeCommand, type FakeMachine } from '#testing';
import type { MachineView } from '#contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestEngine } from '../support/engine.js';
import { startIpmiSim } from '../support/ipmi-sim.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { machineNumber, RunningController } from '../support/running-controller.js';

const asker = { kind: 'token', name: 'test' } as const;
const hourMs = 3_600_000;

let postgres: TestPostgres;
let engine: TestEngine;
let syncs: PowerSync[];
let seen: TimelineEvent[];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  engine = await TestEngine.start(await postgres.database());
  syncs = [];
  seen = [];
  engine.feed.subscribe((event) => seen.push(event));
});
afterEach(async () => {
  await Promise.all(syncs.map((sync) => sync.stop()));
  await engine.stop();
});

function startSync(policy: Partial<PowerSyncPolicy> = {}): PowerSync {
  const sync = engine.powerSync(policy);
  syncs.push(sync);
  sync.start();
  return sync;
}

type Setting = { recorded?: 'on' | 'off'; power?: 'on' | 'off'; answers?: boolean };

/** A free machine of which this power is on record. */
async function restingMachine(number: number, setting: Setting = {}): Promise<[Machine, FakeMachine]> {
  const { recorded = 'on', power = recorded, answers = true } = setting;
  const { id } = await engine.enrol(`m${number}`, number);
  const data = { state: 'inactive', power: recorded, powerAt: engine.clock.now() } as const;
  await engine.database.client.machine.update({ where: { id }, data });
  const machine = await engine.machines.get(id);
  const address = engine.addressOf(machine);
  return [machine, answers ? engine.driver.add(address, { power }) : { power, obeysSoftOff: true }];
}

async function instanceOn(machine: Machine): Promise<Instance> {
  return engine.spawning.adopt(machine.id, { hostName: 'web1', image: 'debian', cluster: 'blue' }, asker);
}

/** Resolves when so many events of this kind have been on the timeline. */
function untilEvents(kind: string, count = 1): Promise<TimelineEvent[]> {
  const found = () => seen.filter((event) => event.kind === kind);
  return new Promise((resolve) => {
    const check = () => {
      if (found().length < count) return;
      unsubscribe();
      resolve(found());
    };
    const unsubscribe = engine.feed.subscribe(check);
    check();
  });
}

/** Resolves when this many commands were sent to the BMC of the machine from now on. */
function untilAsked({ bmcPort }: Machine, times: number): Promise<void> {
  const { beforeCommand } = engine;
  return new Promise((resolve) => {
    let left = times;
    engine.beforeCommand = (command) => {
      if (command.bmc.port === bmcPort && --left === 0) resolve();
      return beforeCommand(command);
    };
  });
}

const untilAborted = ({ signal }: FakeCommand) =>
  new Promise<never>((_resolve, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  );
const askedAt = ({ bmcPort }: Machine) =>
  engine.driver.commands.filter(({ bmc }) => bmc.endsWith(`:${bmcPort}`)).map(({ verb }) => verb);
/** Of all machines. */
const kindsSeen = () => seen.filter(({ machineId }) => machineId !== null).map(({ kind }) => kind);

describe('the record follows the hardware', () => {
  it('an instance whose machine goes off is stopped, and active when it is on again', async () => {
    const [machine, hardware] = await restingMachine(1, { recorded: 'on' });
    const { id } = await instanceOn(machine);
    startSync();

    hardware.power = 'off';
    const [off] = await untilEvents('power.drift');
    expect(off).toMatchObject({
      machineId: machine.id,
      instanceId: id,
      message: 'm1 was seen off, which nobody ordered here: the record follows',
      data: { power: 'off', before: 'on' },
    });
    expect((await engine.instances.get(id)).state).toBe('stopped');

    hardware.power = 'on';
    await untilEvents('power.drift', 2);
    expect((await engine.instances.get(id)).state).toBe('active');
    expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'used', power: 'on' });
    expect(new Set(askedAt(machine))).toEqual(new Set(['status']));
  });

  it('a free machine that somebody switched on is seen, too', async () => {
    const [machine, hardware] = await restingMachine(1, { recorded: 'off' });
    startSync();
    hardware.power = 'on';
    await untilEvents('power.drift');
    expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'inactive', power: 'on' });
  });

  it('looks that find nothing new only make the record younger', async () => {
    const [machine] = await restingMachine(1);
    const asked = untilAsked(machine, 4);
    startSync();
    await asked;
    await syncs[0]!.stop();
    expect((await engine.machines.get(machine.id)).powerAt!.getTime()).toBeGreaterThan(
      machine.powerAt!.getTime(),
    );
    expect(kindsSeen()).toEqual(['machine.enrolled']);
  });
});

describe('work goes first', () => {
  it('machines that are worked on, ordered about or never verified are left alone', async () => {
    await engine.stopConductor();
    const [atRest] = await restingMachine(1);
    const [working] = await restingMachine(2);
    const [ordered] = await restingMachine(3);
    await engine.verbs.verify(working.id, asker);
    await instanceOn(ordered);
    await engine.verbs.orderPower(ordered.id, 'stop', asker);
    const enrolled = await engine.enrol('m4', 4);
    const asked = untilAsked(atRest, 5);
    startSync();
    await asked;
    expect([working, ordered, enrolled].flatMap(askedAt)).toEqual([]);
  });

  it('what was seen before the machine was taken in hand is not recorded', async () => {
    await engine.stopConductor();
    const [machine, hardware] = await restingMachine(1, { recorded: 'on', power: 'off' });
    const { id } = await instanceOn(machine);
    let answer = () => {};
    engine.beforeCommand = () => new Promise((resolve) => (answer = resolve));
    const asked = untilAsked(machine, 1);
    const sync = startSync();
    await asked;
    await engine.verbs.rebuild(id, undefined, asker);
    answer();
    await sync.stop();

    expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'installing', power: 'on' });
    expect((await engine.instances.get(id)).state).toBe('building');
    expect(kindsSeen()).not.toContain('power.drift');
    expect(hardware.power).toBe('off');
  });

  it('a power state that is reported while work is under way does not stop the instance', async () => {
    await engine.stopConductor();
    const [machine] = await restingMachine(1, { recorded: 'on' });
    const { id } = await instanceOn(machine);
    await engine.verbs.rebuild(id, undefined, asker);
    await engine.writer.recordPower(machine.id, 'off');
    expect((await engine.instances.get(id)).state).toBe('building');
  });

  it('a look that is older than an order, or than another look, holds no more', async () => {
    await engine.stopConductor();
    const [machine] = await restingMachine(1, { recorded: 'on' });
    await instanceOn(machine);
    const before = await engine.machines.get(machine.id);
    await engine.writer.recordPower(machine.id, 'on');
    await expect(engine.writer.recordLook(before, 'off')).rejects.toMatchObject({ code: 'state-changed' });
    const fresh = await engine.machines.get(machine.id);
    await engine.verbs.orderPower(machine.id, 'stop', asker);
    await expect(engine.writer.recordLook(fresh, 'off')).rejects.toMatchObject({ code: 'state-changed' });
  });

  it('a BMC that is needed for an installation is given up at once', async () => {
    const [machine] = await restingMachine(1);
    const { id } = await instanceOn(machine);
    engine.beforeCommand = untilAborted;
    const asked = untilAsked(machine, 1);
    startSync({ intervalMs: hourMs });
    await asked;
    engine.beforeCommand = () => undefined;
    await engine.verbs.rebuild(id, undefined, asker);
    await engine.until(machine.id, ({ stage }) => stage === 'booting');
    expect((await engine.machines.get(machine.id)).bmcFault).toBeNull();
  });
});

describe('many machines', () => {
  it('two conductors share the looks, and none is done twice', async () => {
    const machines = await manyMachines(40);
    startSync({ intervalMs: hourMs });
    startSync({ intervalMs: hourMs });
    await untilEvents('power.drift', machines.length);
    await Promise.all(syncs.map((sync) => sync.stop()));
    const asked = engine.driver.commands.map(({ bmc }) => bmc);
    expect(asked).toHaveLength(machines.length);
    expect(new Set(asked).size).toBe(machines.length);
    expect(syncs.map((sync) => sync.tally.get('ok')! > 0)).toEqual([true, true]);
  });

  it('all whose BMCs answer are read while the dead three in ten, asked first, have not timed out', async () => {
    const dead = await manyMachines(30);
    const alive = await manyMachines(70, 100);
    const ids = alive.map(({ id }) => id);
    await engine.database.client.machine.updateMany({
      where: { id: { in: ids } },
      data: { powerDueAt: new Date(0) },
    });
    const deadPorts = new Set(dead.map(({ bmcPort }) => bmcPort));
    engine.beforeCommand = (command) => (deadPorts.has(command.bmc.port) ? untilAborted(command) : undefined);
    const sync = startSync({ intervalMs: hourMs });
    await untilEvents('power.drift', alive.length);
    expect([...sync.tally]).toEqual([['ok', alive.length]]);
    expect(dead.flatMap(askedAt)).toHaveLength(dead.length);
  });

  /** Their hardware is on, while the record says that it is off. */
  async function manyMachines(count: number, first = 1): Promise<Machine[]> {
    const machines: Machine[] = [];
    for (let number = first; number < first + count; number++)
      machines.push((await restingMachine(number, { recorded: 'off', power: 'on' }))[0]);
    return machines;
  }
});

describe('a BMC that fails', () => {
  it('is one event however often it is met, one more when it fails otherwise, and one when it is back', async () => {
    const [machine] = await restingMachine(1, { answers: false });
    const asked = untilAsked(machine, 3);
    const sync = startSync();
    await asked;
    const [lost] = await untilEvents('bmc.lost');
    expect(lost).toMatchObject({
      message: expect.stringMatching(/^The BMC of m1 cannot be asked: BMC .* it did not answer$/),
      data: { code: 'bmc-no-answer', remedy: expect.any(String) },
    });
    const { bmcFault } = await engine.machines.get(machine.id);
    expect(bmcFault).toMatchObject({ code: 'bmc-no-answer', message: expect.any(String) });

    const address = engine.addressOf(machine);
    engine.driver.add({ ...address, password: new Secret('another') });
    await untilEvents('bmc.lost', 2);
    expect((await engine.machines.get(machine.id)).bmcFault).toMatchObject({
      code: 'bmc-wrong-credentials',
      at: bmcFault?.at,
    });

    engine.driver.add(address, { power: 'on' });
    const [back] = await untilEvents('bmc.back');
    expect(back?.data).toEqual({ code: 'bmc-wrong-credentials', since: bmcFault?.at });
    expect(await engine.machines.get(machine.id)).toMatchObject({ bmcFault: null, power: 'on' });
    await sync.stop();
    expect(kindsSeen()).toEqual(['machine.enrolled', 'bmc.lost', 'bmc.lost', 'bmc.back']);
    expect(sync.tally.get('bmc-no-answer')).toBeGreaterThanOrEqual(3);
  });

  it('is back when work hears of it first', async () => {
    const [machine] = await restingMachine(1);
    const fault = { code: 'bmc-no-answer', message: 'it did not answer', at: '2026-01-01T00:00:00.000Z' };
    await engine.writer.recordBmcFault(machine, fault);
    await engine.verbs.verify(machine.id, asker);
    await untilEvents('bmc.back');
    await engine.until(machine.id, ({ state }) => state === 'inactive');
    expect((await engine.machines.get(machine.id)).bmcFault).toBeNull();
  });

  it('is asked at once when its address or credentials are changed', async () => {
    const [{ id, bmcPort }] = await restingMachine(1);
    const schedule = new LookSchedule(engine.database);
    const claim = () => schedule.claim('answering', { limit: 9, intervalMs: hourMs, except: [] });
    expect(await claim()).toHaveLength(1);
    await engine.verbs.change(id, { labels: { rack: 'a' } }, asker);
    expect(await claim()).toEqual([]);
    await engine.verbs.change(id, { bmcPort }, asker);
    expect(await claim()).toHaveLength(1);
  });
});

describe('the schedule', () => {
  const intervalMs = 60_000;
  const clock = new FakeClock();
  let database: Database;
  let schedule: LookSchedule;

  beforeEach(async () => {
    database = await Database.open(engine.database.url, clock, new SecretBox(randomBytes(32)));
    schedule = new LookSchedule(database);
  });
  afterEach(() => database.close());

  it.each([
    ['that answers', 'answering', null, 1],
    ['that has just failed', 'failing', 0, 1],
    ['that has been failing for three intervals', 'failing', 3, 3],
    ['that has been failing for a day', 'failing', 1440, 8],
  ] as const)('has a BMC %s asked again in time', async (_name, lane, failingFor, intervals) => {
    const [{ id }] = await restingMachine(1);
    const now = clock.now().getTime();
    const fault = { code: 'bmc-no-answer', message: 'it did not answer' };
    const at = new Date(now - (failingFor ?? 0) * intervalMs).toISOString();
    const data = failingFor === null ? {} : { bmcFault: { ...fault, at } };
    await database.client.machine.update({ where: { id }, data });
    const claims = await Promise.all(
      (['answering', 'failing'] as const).map((which) =>
        schedule.claim(which, { limit: 9, intervalMs, except: [] }),
      ),
    );
    expect(claims.map((claimed) => claimed.length)).toEqual(lane === 'answering' ? [1, 0] : [0, 1]);
    const { powerDueAt } = await database.client.machine.findUniqueOrThrow({ where: { id } });
    const inIntervals = (powerDueAt!.getTime() - now) / intervalMs;
    expect(inIntervals).toBeGreaterThanOrEqual(intervals * 0.5);
    expect(inIntervals).toBeLessThanOrEqual(intervals * 1.5);
  });

  it('gives what is due once, the longest overdue first, and not what is under way', async () => {
    const machines = [];
    for (const number of [1, 2, 3]) machines.push((await restingMachine(number))[0]);
    for (const [index, { id }] of machines.entries())
      await database.client.machine.update({ where: { id }, data: { powerDueAt: new Date(1000 - index) } });
    const claim = { limit: 1, intervalMs, except: [machines[2]!.id] };
    const given = [await schedule.claim('answering', claim), await schedule.claim('answering', claim)].flat();
    expect(given.map(({ name }) => name)).toEqual(['m2', 'm1']);
    expect(await schedule.claim('answering', claim)).toEqual([]);
    expect(await schedule.claim('answering', { ...claim, except: [] })).toHaveLength(1);
  });

  it('tells how far the record is behind', async () => {
    const [{ id }] = await restingMachine(1);
    const [failing] = await restingMachine(2);
    await engine.enrol('m3', 3);
    const at = new Date(clock.now().getTime() - 90_000);
    await database.client.machine.update({ where: { id }, data: { powerAt: at } });
    const bmcFault = { code: 'bmc-no-answer', message: '', at: at.toISOString() };
    await database.client.machine.update({
      where: { id: failing.id },
      data: { bmcFault, powerAt: new Date(0) },
    });
    expect(await schedule.lag()).toEqual({ oldestSeconds: 90, failing: 1 });
  });
});

describe('the power sync as a service', () => {
  it('leaves no timer behind', async () => {
    const [machine] = await restingMachine(1, { answers: false });
    const clock = new FakeClock();
    const sync = engine.powerSync({ intervalMs: hourMs }, clock);
    engine.beforeCommand = untilAborted;
    const asked = untilAsked(machine, 1);
    sync.start();
    await asked;
    await sync.stop();
    expect(clock.pending).toBe(0);
  });

  it('can be switched off', async () => {
    await restingMachine(1);
    await startSync({ intervalMs: 0 }).stop();
    expect(engine.driver.commands).toEqual([]);
  });
});

it('a controller with ipmitool finds the machine that was switched off behind its back', async () => {
  const bmc = await startIpmiSim({ power: 'on' });
  const dodai = await RunningController.start({ DODAI_POWER_SYNC_S: '0.3' });
  try {
    const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 };
    await dodai.ask('POST', '/v1/instance-types', { body: type });
    const { port: bmcPort, user: bmcUser, password: bmcPassword } = bmc;
    const body = machineNumber(1, { bmcPort, bmcUser, bmcPassword });
    const enrolled = await dodai.ask('POST', '/v1/machines?wait=verified&timeout=30', { body });
    expect(enrolled.body).toMatchObject({ state: 'inactive', power: { state: 'on' } });

    bmc.setPowerState('off');
    const { found } = await dodai.untilEvent('/v1/machines/m1/events', ({ kind }) => kind === 'power.drift');
    expect(found.message).toBe('m1 was seen off, which nobody ordered here: the record follows');
    const machine = await dodai.ask<MachineView>('GET', '/v1/machines/m1');
    expect(machine.body).toMatchObject({
      power: { state: 'off', ageSeconds: expect.any(Number) },
      bmcFault: null,
    });
    expect(bmc.orders()).toEqual([]);
    const metrics = await dodai.ask<string & Record<string, unknown>>('GET', '/metrics');
    expect(metrics.body).toMatch(/^dodai_power_looks_total\{result="ok"\} [1-9]/m);
    expect(metrics.body).toContain('dodai_bmcs_failing 0');
    expect(metrics.body).toMatch(/^dodai_power_oldest_seconds \d/m);

    await bmc.stop();
    const lost = await dodai.untilEvent('/v1/machines/m1/events', ({ kind }) => kind === 'bmc.lost');
    expect(lost.found.data.code).toMatch(/^bmc-/);
    const failing = await dodai.ask<MachineView>('GET', '/v1/machines/m1');
    expect(failing.body).toMatchObject({
      power: { state: 'off' },
      bmcFault: { code: lost.found.data.code, remedy: expect.any(String) },
    });
  } finally {
    await dodai.end();
    await bmc.stop();
  }
});
