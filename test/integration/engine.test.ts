import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WipedDisk } from '#core';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type TestRedis } from '../support/redis.js';

let postgres: TestPostgres;
let redis: TestRedis;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
});

afterAll(async () => {
  await redis.stop();
  await postgres.stop();
});

const wiped: WipedDisk = {
  disk: '/dev/nvme0n1',
  serial: 'S1',
  wwn: null,
  model: 'a disk',
  sizeBytes: 4_000_787_030_016,
  method: 'nvme_format',
  command: 'nvme format /dev/nvme0n1 --ses=1',
  seconds: 12,
  readBack: {
    placeBytes: 1_048_576,
    offsets: [0, 4096],
    held: { zeros: 2, ones: 0, other: 0 },
    marked: true,
  },
};

describe.each(['PostgreSQL', 'Redis'])('the engine with its queue in %s', (backend) => {
  let engine: TestEngine;

  beforeEach(async () => {
    engine = await TestEngine.start(await postgres.database(), backend === 'Redis' ? redis.url : undefined);
  });

  afterEach(() => engine.stop());

  it('installs a machine as its installer reports, and wipes it', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(machine, 'blue');
    const say = (state: 'install' | 'install_reboot' | 'installed' | 'delete' | 'deleted') =>
      engine.callbacks.notify(instance.id, engine.token(instance.id), { state });

    await engine.until(machine.id, ({ stage, awaitsUntil }) => stage === 'booting' && awaitsUntil !== null);
    expect(await engine.driver.status(engine.addressOf(machine))).toBe('on');
    await say('install');
    await say('install_reboot');
    await engine.until(
      machine.id,
      ({ stage, awaitsUntil }) => stage === 'booting_disk' && awaitsUntil !== null,
    );
    await say('installed');
    const used = await engine.until(machine.id, ({ state }) => state === 'used');
    expect(used).toMatchObject({ stage: null, awaits: null, lastError: null, power: 'on' });
    await say('installed'); // the answer was lost
    expect(await engine.instances.get(instance.id)).toMatchObject({ state: 'active', cluster: 'blue' });

    await engine.verbs.destroy(instance.id, { kind: 'token', name: 'test' });
    await engine.until(machine.id, ({ stage, awaitsUntil }) => stage === 'booting' && awaitsUntil !== null);
    await say('delete');
    await engine.callbacks.notify(instance.id, engine.token(instance.id), {
      state: 'deleted',
      wipe: [wiped],
    });
    const free = await engine.until(machine.id, ({ state }) => state === 'inactive');
    const lastWipe = { at: expect.any(String), instanceId: instance.id, disks: [wiped] };
    expect(free).toMatchObject({ instanceId: null, power: 'off', lastWipe });
    expect((await engine.instances.get(instance.id)).state).toBe('deleted');

    const sent = engine.driver.commands.map(({ verb }) => verb).filter((verb) => verb !== 'status');
    expect(sent).toEqual(['on', 'softOff', 'on', 'off', 'on', 'softOff']);
  });

  it('keeps a machine without a cluster in the pool', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    const { id } = await engine.spawn(machine);
    await engine.until(machine.id, ({ stage, awaitsUntil }) => stage === 'booting' && awaitsUntil !== null);
    for (const state of ['install', 'install_reboot'] as const)
      await engine.callbacks.notify(id, engine.token(id), { state });
    await engine.until(machine.id, ({ stage }) => stage === 'booting_disk');
    await engine.callbacks.notify(id, engine.token(id), { state: 'installed' });
    await engine.until(machine.id, ({ state }) => state === 'active');
  });

  it('gives exactly as many machines as there are, however many ask at once', async () => {
    for (let number = 1; number <= 6; number++) await engine.inactiveMachine(`m${number}`, number);
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => engine.spawn()));
    const instances = asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refusals = asked.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(new Set(instances.map(({ machineId }) => machineId)).size).toBe(6);
    expect(refusals.map(({ code }) => code)).toEqual(Array(4).fill('machine-unavailable'));
  });

  it('makes one instance of requests that carry the same idempotency key, even at the same time', async () => {
    for (let number = 1; number <= 3; number++) await engine.inactiveMachine(`m${number}`, number);
    const instances = await Promise.all([1, 2, 3].map(() => engine.spawn(undefined, undefined, 'key-1')));
    expect(new Set(instances.map(({ id }) => id)).size).toBe(1);
    expect(await engine.machines.countByState()).toMatchObject({ inactive: 2, installing: 1 });
    await expect(engine.spawn(undefined, 'other', 'key-1')).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
    const { items: left } = await engine.machines.list({ state: 'inactive', limit: 1 });
    await engine.verbs.change(left[0]!.id, { labels: { a: '1', b: '2' } }, { kind: 'token', name: 'test' });
    const one = await engine.spawn(undefined, undefined, 'key-2', { labels: { a: '1', b: '2' } });
    const same = await engine.spawn(undefined, undefined, 'key-2', { labels: { b: '2', a: '1' } });
    expect(same.id).toBe(one.id);
  });

  it('goes on where it stood after a restart, with no second power cycle', async () => {
    const machine = await engine.inactiveMachine('m1', 1);
    const { id } = await engine.spawn(machine);
    await engine.until(machine.id, ({ stage, awaitsUntil }) => stage === 'booting' && awaitsUntil !== null);
    await engine.stopConductor();
    await engine.callbacks.notify(id, engine.token(id), { state: 'install' });
    await engine.callbacks.notify(id, engine.token(id), { state: 'install_reboot' });
    await engine.startConductor();
    await engine.until(
      machine.id,
      ({ stage, awaitsUntil }) => stage === 'booting_disk' && awaitsUntil !== null,
    );
    const sent = engine.driver.commands.map(({ verb }) => verb).filter((verb) => verb !== 'status');
    expect(sent).toEqual(['on', 'softOff', 'on']);
  });
});

describe('what goes wrong', () => {
  let engine: TestEngine | undefined;

  afterEach(() => engine?.stop());

  it('goes on by the word of a machine whose BMC does not say yet that it is on', async () => {
    const started = await TestEngine.start(await postgres.database());
    engine = started;
    const machine = await started.inactiveMachine('m1', 1);
    let isSilent = true;
    started.beforeCommand = ({ verb, signal }) => {
      if (!isSilent || verb !== 'status' || !started.orders.includes('on')) return;
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const instance = await started.spawn(machine, 'blue');
    await started.until(machine.id, ({ stage }) => stage === 'booting');
    await expect.poll(() => started.orders).toEqual(['on']);
    await started.say(instance.id, 'install');
    await started.until(machine.id, ({ stage, awaits }) => stage === 'install' && awaits !== null);
    isSilent = false;
    await started.say(instance.id, 'install_reboot');
    await started.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    expect(started.orders).toEqual(['on', 'softOff', 'on']);
  });

  it('passes over a machine whose disk is too small for the partitions', async () => {
    engine = await TestEngine.start(await postgres.database());
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.verbs.change(machine.id, { localGb: 2 }, { kind: 'token', name: 'test' });
    await expect(engine.spawn()).rejects.toMatchObject({ code: 'machine-unavailable' });
    await expect(engine.spawn(machine)).rejects.toThrow('m1 has a disk of less than 4 GB');
  });

  it('fails a machine whose live image never reports in, and says what was awaited', async () => {
    engine = await TestEngine.start(await postgres.database(), undefined, { bootingMs: 50 });
    const machine = await engine.inactiveMachine('m1', 1);
    const { id } = await engine.spawn(machine);
    const failed = await engine.until(machine.id, ({ state }) => state === 'install_failed');
    expect(failed.lastError).toMatchObject({ code: 'deadline-expired' });
    expect(failed.lastError?.message).toContain('the live image to report in');
    expect((await engine.instances.get(id)).state).toBe('error');
  });

  it('switches off hard a machine that ignores soft-off', async () => {
    engine = await TestEngine.start(await postgres.database());
    const machine = await engine.inactiveMachine('m1', 1);
    engine.driver.add(engine.addressOf(machine), { obeysSoftOff: false });
    const { id } = await engine.spawn(machine);
    await engine.until(machine.id, ({ stage, awaitsUntil }) => stage === 'booting' && awaitsUntil !== null);
    for (const state of ['install', 'install_reboot'] as const)
      await engine.callbacks.notify(id, engine.token(id), { state });
    await engine.until(machine.id, ({ stage }) => stage === 'booting_disk');
    const events = await engine.events.list({ machineId: machine.id, limit: 100 });
    expect(events.items.map(({ message }) => message).join('\n')).toContain('ignored soft-off');
  });

  it('fails the machine with the reason the installer gave, and never hands it out', async () => {
    engine = await TestEngine.start(await postgres.database());
    const machine = await engine.inactiveMachine('m1', 1);
    const { id } = await engine.spawn(machine);
    await engine.until(machine.id, ({ stage }) => stage === 'booting');
    await engine.callbacks.notify(id, engine.token(id), { state: 'install' });
    await engine.callbacks.notify(id, engine.token(id), { state: 'failed', message: 'no suitable disk' });
    const failed = await engine.until(machine.id, ({ state }) => state === 'install_failed');
    expect(failed.lastError).toMatchObject({ code: 'installer-failed', message: 'm1: no suitable disk' });
    await expect(engine.spawn()).rejects.toMatchObject({ code: 'machine-unavailable' });
  });

  it('waits on for a machine that fetches its boot files, but not without end', async () => {
    engine = await TestEngine.start(await postgres.database(), undefined, { bootingMs: 60_000 });
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    const booting = await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && !!awaits);
    const awaitsUntil = new Date(booting.awaitsUntil!.getTime() - 30_000);
    await engine.database.client.machine.update({ where: { id: machine.id }, data: { awaitsUntil } });
    await engine.callbacks.heardOf(machine.id);
    const later = await engine.machines.get(machine.id);
    expect(later.awaitsUntil!.getTime()).toBeGreaterThanOrEqual(booting.awaitsUntil!.getTime());
    await engine.callbacks.heardOf(machine.id);
    expect((await engine.machines.get(machine.id)).awaitsUntil).toEqual(later.awaitsUntil); // so soon it is no news
    const longAgo = new Date(engine.clock.now().getTime() - 150_000);
    await engine.database.client.machine.update({
      where: { id: machine.id },
      data: { stageSince: longAgo, awaitsUntil: longAgo },
    });
    await engine.callbacks.heardOf(machine.id);
    const latest = await engine.machines.get(machine.id);
    expect(latest.awaitsUntil).toEqual(new Date(longAgo.getTime() + 180_000));
  });

  it('refuses a wrong token, another instance and a word out of order', async () => {
    engine = await TestEngine.start(await postgres.database());
    const [first, second] = [await engine.inactiveMachine('m1', 1), await engine.inactiveMachine('m2', 2)];
    const { id } = await engine.spawn(first);
    const other = await engine.spawn(second);
    const say = (token: string, state: 'install' | 'installed') =>
      engine!.callbacks.notify(id, token, { state });
    await expect(say('nonsense', 'install')).rejects.toMatchObject({ code: 'notify-forbidden' });
    await expect(say(engine.token(other.id), 'install')).rejects.toMatchObject({ code: 'notify-forbidden' });
    await expect(say(engine.token(id), 'installed')).rejects.toMatchObject({ code: 'notify-out-of-order' });
  });

  it('says what is wrong with a BMC that does not answer', async () => {
    engine = await TestEngine.start(await postgres.database());
    const machine = await engine.enrol('m1', 1);
    await engine.verbs.verify(machine.id, { kind: 'token', name: 'test' });
    const failed = await engine.until(machine.id, ({ state }) => state === 'verify_failed');
    expect(failed.lastError?.code).toBe('bmc-no-answer');
  });
});
