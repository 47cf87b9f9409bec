import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Instance, Machine } from '#core';
import type { FakeCommand } from '#testing';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

const asker = { kind: 'token', name: 'test' } as const;
let postgres: TestPostgres;
let engine: TestEngine;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  engine = await TestEngine.start(await postgres.database());
});
afterEach(() => engine.stop());

/** A machine with an instance that its owner uses. */
async function installed(): Promise<{ machine: Machine; instance: Instance }> {
  const inactive = await engine.inactiveMachine('m1', 1);
  const instance = await engine.spawn(inactive, 'blue');
  return { machine: await engine.install(instance), instance };
}

const ordersOf = async (act: () => Promise<unknown>, machine: Machine): Promise<string[]> => {
  const before = engine.orders.length;
  await act();
  await engine.until(machine.id, ({ powerOrder }) => powerOrder === null);
  return engine.orders.slice(before);
};

/** From now on this command stays on its way until whoever sent it stops; resolves when the first one is sent. */
const neverArrives = (verb: FakeCommand['verb']): Promise<void> =>
  new Promise((resolve) => {
    engine.beforeCommand = ({ verb: sent, signal }) => {
      if (sent !== verb) return undefined;
      resolve();
      return new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    };
  });

describe('the power of a machine with an owner', () => {
  it('is stopped softly and started, and the instance follows', async () => {
    const { machine, instance } = await installed();
    expect(await ordersOf(() => engine.verbs.orderPower(machine.id, 'stop', asker), machine)).toEqual([
      'softOff',
    ]);
    expect((await engine.instances.get(instance.id)).state).toBe('stopped');
    expect(await ordersOf(() => engine.verbs.orderPower(machine.id, 'start', asker), machine)).toEqual([
      'on',
    ]);
    expect((await engine.instances.get(instance.id)).state).toBe('active');
    const { items } = await engine.events.list({ machineId: machine.id, limit: 1000 });
    expect(items.map(({ kind }) => kind)).not.toContain('power.drift');
  });

  it('is cut when the OS does not shut down in time, or when it is to be', async () => {
    const { machine } = await installed();
    engine.driver.add(engine.addressOf(machine), { power: 'on', obeysSoftOff: false });
    const stop = (hard: boolean) => engine.verbs.orderPower(machine.id, 'stop', asker, { hard });
    expect(await ordersOf(() => stop(false), machine)).toEqual(['softOff', 'off']);
    await ordersOf(() => engine.verbs.orderPower(machine.id, 'start', asker), machine);
    expect(await ordersOf(() => stop(true), machine)).toEqual(['off']);
  });

  it('really restarts: off is seen, then on', async () => {
    const { machine } = await installed();
    const order = (verb: 'reboot' | 'power_cycle') => () => engine.verbs.orderPower(machine.id, verb, asker);
    expect(await ordersOf(order('reboot'), machine)).toEqual(['softOff', 'on']);
    expect(await ordersOf(order('power_cycle'), machine)).toEqual(['off', 'on']);
  });

  it('is restarted once, also when the controller stops before the machine is switched on again', async () => {
    const { machine } = await installed();
    engine.driver.add(engine.addressOf(machine), { power: 'on', obeysSoftOff: false });
    const before = engine.orders.length;
    const switchedOn = neverArrives('on');
    await engine.verbs.orderPower(machine.id, 'reboot', asker);
    await switchedOn;
    await engine.stopConductor();
    engine.beforeCommand = () => undefined;
    await engine.startConductor();
    await engine.until(machine.id, ({ powerOrder }) => powerOrder === null);
    expect(engine.orders.slice(before)).toEqual(['softOff', 'off', 'on', 'on']);
  });

  it('leaves a machine whose BMC fails in its state, with the error beside it', async () => {
    const { machine } = await installed();
    engine.driver.add({ ...engine.addressOf(machine), user: 'somebody else' });
    await engine.verbs.orderPower(machine.id, 'reboot', asker);
    const left = await engine.until(machine.id, ({ powerOrder }) => powerOrder === null);
    expect(left).toMatchObject({ state: 'used', lastError: { code: 'bmc-wrong-credentials' } });
  });

  it('is no drift when a bare order to the BMC has changed it', async () => {
    const { machine, instance } = await installed();
    await engine.verbs.power(machine.id, 'off', asker);
    expect((await engine.instances.get(instance.id)).state).toBe('stopped');
    const { items } = await engine.events.list({ machineId: machine.id, limit: 1000 });
    expect(items.map(({ kind }) => kind)).toContain('power.seen');
    expect(items.map(({ kind }) => kind)).not.toContain('power.drift');
  });

  it('is found as it is: a machine that went off by itself is stopped, and that is drift', async () => {
    const { machine, instance } = await installed();
    await engine.writer.recordPower(machine.id, 'off');
    expect((await engine.instances.get(instance.id)).state).toBe('stopped');
    await engine.writer.recordPower(machine.id, 'on');
    expect((await engine.instances.get(instance.id)).state).toBe('active');
    const { items } = await engine.events.list({ instanceId: instance.id, limit: 1000 });
    expect(items.filter(({ kind }) => kind === 'power.drift')).toHaveLength(2);
  });
});

describe('a work under way', () => {
  it('is aborted, tried again, and destroyed in the middle', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine, 'blue');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await engine.say(instance.id, 'install');
    const aborted = await engine.verbs.abort(machine.id, asker);
    expect(aborted).toMatchObject({
      state: 'install_failed',
      failedStage: 'install',
      lastError: { code: 'aborted', message: 'The work was aborted by test.' },
    });
    await expect(engine.say(instance.id, 'install_reboot')).rejects.toMatchObject({
      code: 'notify-out-of-order',
    });

    await engine.verbs.retry(machine.id, asker);
    expect((await engine.instances.get(instance.id)).state).toBe('building');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await engine.verbs.destroy(instance.id, asker);
    expect(await engine.wipe(instance)).toMatchObject({ state: 'inactive', instanceId: null });
  });

  it('is aborted where it is by then when it moves on meanwhile', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine, 'blue');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    const { client } = engine.database;
    const waiting = () =>
      client.$queryRaw`SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%machines%'`;
    let aborted: Promise<Machine> | undefined;
    await client.$transaction(async (tx) => {
      await tx.machine.update({ where: { id: machine.id }, data: { stage: 'install' } });
      aborted = engine.verbs.abort(machine.id, asker);
      await expect.poll(waiting).toHaveLength(1);
    });
    expect(await aborted).toMatchObject({ state: 'install_failed', failedStage: 'install' });
  });

  it('is tried again from the stage that failed: an OS that is written is only started again', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine, 'blue');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await engine.say(instance.id, 'install');
    await engine.say(instance.id, 'install_reboot');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    await engine.verbs.abort(machine.id, asker);
    const before = engine.orders.length;
    await engine.verbs.retry(machine.id, asker);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    await engine.say(instance.id, 'installed');
    await engine.until(machine.id, ({ state }) => state === 'used');
    expect(engine.orders.slice(before)).toEqual(['softOff', 'on']);
  });

  it('is cut short by a verb, without waiting for what its step was waiting for', async () => {
    await engine.stop();
    engine = await TestEngine.start(await postgres.database(), undefined, { softOffMs: 600_000 });
    const machine = await engine.inactiveMachine('m1', 1);
    const address = engine.addressOf(machine);
    engine.driver.add(address, { power: 'off', obeysSoftOff: false });
    const instance = await engine.spawn(machine, 'blue');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await engine.say(instance.id, 'install');
    await engine.say(instance.id, 'install_reboot');
    await engine.untilEvent(machine.id, ({ message }) => message.startsWith('BMC softOff'));
    await engine.verbs.destroy(instance.id, asker);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    expect((await engine.machines.get(machine.id)).state).toBe('deleting');
  });

  it('is tried again by itself when the reason may pass, and fails with the evidence when it does not', async () => {
    await engine.stop();
    const policy = { retries: 2, backoffMs: 10 };
    engine = await TestEngine.start(await postgres.database(), undefined, { bootingMs: 30 }, policy);
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine, 'blue');
    const failed = await engine.until(machine.id, ({ state }) => state === 'install_failed');
    expect(failed.lastError).toMatchObject({ code: 'deadline-expired' });
    const { items } = await engine.events.list({ machineId: machine.id, limit: 1000 });
    const tries = items.filter(({ kind }) => kind === 'stage.retried').map(({ data }) => data.attempt);
    expect(tries).toEqual([2, 3]);
    expect(engine.orders).toEqual(['on', 'off', 'on', 'off', 'on']);
  });
});

describe('an instance', () => {
  it('is rebuilt from another image and keeps its name, keys and cluster', async () => {
    const { machine, instance } = await installed();
    const { id: _id, createdAt: _at, ...image } = await engine.images.find('debian');
    const other = await engine.images.create({ ...image, name: 'other', sha256: 'b'.repeat(64) });
    const rebuilding = await engine.verbs.rebuild(instance.id, 'other', asker);
    expect(rebuilding).toMatchObject({ state: 'building', imageId: other.id, installedAt: null });
    await engine.install(rebuilding);
    expect(await engine.instances.get(instance.id)).toMatchObject({ state: 'active', cluster: 'blue' });
    expect((await engine.machines.get(machine.id)).state).toBe('used');
  });

  it('is given up by force with its BMC gone; its machine goes to nobody until it is wiped', async () => {
    const { machine, instance } = await installed();
    engine.driver.remove(engine.addressOf(machine));
    expect((await engine.verbs.forceDestroy(instance.id, asker)).state).toBe('deleted');
    const kept = await engine.machines.get(machine.id);
    expect(kept).toMatchObject({ state: 'delete_failed', lastError: { code: 'not-wiped' } });
    await expect(engine.spawn()).rejects.toThrow('m1 is delete_failed');

    engine.driver.add(engine.addressOf(machine), { power: 'on' });
    await engine.verbs.retry(machine.id, asker);
    expect(await engine.wipe(instance)).toMatchObject({ state: 'inactive', instanceId: null });
    expect((await engine.instances.get(instance.id)).state).toBe('deleted');
  });

  it('that was given up lets its machine be removed; one in use does not', async () => {
    const { machine, instance } = await installed();
    await expect(engine.verbs.removeMachine(machine.id, asker)).rejects.toMatchObject({
      code: 'machine-in-use',
    });
    await engine.verbs.forceDestroy(instance.id, asker);
    await engine.verbs.removeMachine(machine.id, asker);
    expect(await engine.machines.byId(machine.id)).toBeNull();
  });

  it('can be adopted on a machine that runs something already, and nothing is done to it', async () => {
    const machine = await engine.inactiveMachine('m1', 1, 'on');
    const instance = await engine.spawning.adopt(machine.id, { hostName: 'legacy', cluster: 'old' }, asker);
    expect(instance).toMatchObject({ state: 'active', imageId: null, cluster: 'old' });
    expect((await engine.machines.get(machine.id)).state).toBe('used');
    expect(engine.orders).toEqual([]);
    await expect(engine.verbs.rebuild(instance.id, undefined, asker)).rejects.toMatchObject({
      context: { field: 'image' },
    });
    await engine.verbs.destroy(instance.id, asker);
    expect((await engine.wipe(instance)).state).toBe('inactive');
  });
});

describe('a mark on a machine', () => {
  it('locks it against every verb that ends or interrupts what runs on it', async () => {
    const { machine, instance } = await installed();
    await engine.verbs.lock(machine.id, 'holds the ledger', asker);
    const refusals = await Promise.allSettled([
      engine.verbs.destroy(instance.id, asker),
      engine.verbs.forceDestroy(instance.id, asker),
      engine.verbs.rebuild(instance.id, undefined, asker),
      engine.verbs.orderPower(machine.id, 'stop', asker),
      engine.verbs.power(machine.id, 'off', asker),
      engine.verbs.removeMachine(machine.id, asker),
    ]);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        reason: { code: 'machine-locked', message: /by test: holds the ledger/ },
      });
    await engine.verbs.lock(machine.id, null, asker);
    expect((await engine.verbs.destroy(instance.id, asker)).state).toBe('deleting');
  });

  it('that comes between the look and the change of another verb still holds', async () => {
    const { machine } = await installed();
    const seen = await engine.machines.get(machine.id);
    await engine.verbs.lock(machine.id, 'just now', asker);
    await expect(engine.writer.advance(seen, 'destroy', { message: 'late' })).rejects.toMatchObject({
      code: 'state-changed',
    });
  });

  it('keeps a machine in maintenance from new owners, and is told with its reason', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.verbs.maintain(machine.id, 'new fan', asker);
    await expect(engine.spawn()).rejects.toThrow('m1 is in maintenance');
    await expect(engine.spawning.adopt(machine.id, { hostName: 'a' }, asker)).rejects.toMatchObject({
      code: 'machine-in-maintenance',
    });
    await engine.verbs.maintain(machine.id, null, asker);
    expect((await engine.spawn()).machineId).toBe(machine.id);
  });
});
