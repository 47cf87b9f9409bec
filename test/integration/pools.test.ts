import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Instance, Machine } from '#core';
import type { PoolKeeper } from '#provisioning';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

const asker = { kind: 'token', name: 'test' } as const;
const key = 'ssh-ed25519 AAAA me';
let postgres: TestPostgres;
let engine: TestEngine;
let keepers: PoolKeeper[];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  keepers = [];
  engine = await TestEngine.start(await postgres.database());
});
afterEach(async () => {
  for (const keeper of keepers) await keeper.stop();
  await engine.stop();
});

function keepPool(): void {
  const keeper = engine.poolKeeper();
  keepers.push(keeper);
  keeper.start();
}

async function setPool(settings: { poolSize?: number; afterDestroy?: 'none' | 'reinstall' }): Promise<void> {
  const { id: defaultImageId } = await engine.images.find('debian');
  await engine.types.update('small', { defaultImageId, ...settings });
}

async function instanceOn(machine: Machine): Promise<Instance> {
  return engine.instances.get((await engine.machines.get(machine.id)).instanceId ?? '');
}

const owner = (more = {}) => engine.spawn(undefined, 'blue', undefined, { sshKeys: [key], ...more });

it('hands a pool machine with the same image to a new owner, with neither installation nor power cycle', async () => {
  const [, machine] = await engine.inactiveMachines(2);
  const pooled = await engine.spawn(machine);
  await engine.install(pooled);
  expect(pooled.pooled).toBe(true);
  const before = engine.orders.length;

  const instance = await owner();
  expect(instance).toMatchObject({ machineId: machine!.id, reusedInstanceId: pooled.id, pooled: false });
  expect((await engine.instances.get(pooled.id)).state).toBe('deleted');
  await engine.until(machine!.id, ({ awaits }) => awaits?.includes('new owner') === true);
  await engine.say(instance.id, 'installed');
  await engine.until(machine!.id, ({ state }) => state === 'used');
  expect((await engine.instances.get(instance.id)).state).toBe('active');
  expect(engine.orders.slice(before)).toEqual([]);
});

it('never hands out a machine that had an owner', async () => {
  const [machine] = await engine.inactiveMachines(1);
  const owned = await engine.spawn(machine, undefined, undefined, { sshKeys: [key] });
  await engine.install(owned);
  expect(owned.pooled).toBe(false);
  await expect(owner()).rejects.toThrow('m001 is active');
});

it('installs a machine whose OS in the pool does not take its new owner', async () => {
  await engine.stop();
  engine = await TestEngine.start(await postgres.database(), undefined, { handOverMs: 50 });
  const [machine] = await engine.inactiveMachines(1);
  await engine.install(await engine.spawn(machine));
  const instance = await owner();
  await engine.install(instance);
  expect(await engine.machines.get(machine!.id)).toMatchObject({ state: 'used', lastError: null });
  expect((await engine.instances.get(instance.id)).state).toBe('active');
});

it('installs a pool machine anew for an owner who wants another image, when none is free', async () => {
  const [machine] = await engine.inactiveMachines(1);
  await engine.install(await engine.spawn(machine));
  const { id: _id, createdAt: _at, ...image } = await engine.images.find('debian');
  await engine.images.create({ ...image, name: 'other', sha256: 'b'.repeat(64) });
  const instance = await owner({ image: 'other' });
  expect(instance).toMatchObject({ machineId: machine!.id, reusedInstanceId: null });
  await engine.install(instance);
});

it('fills the pool to its size, also with two keepers, and again when one is handed over', async () => {
  const machines = await engine.inactiveMachines(4);
  await setPool({ poolSize: 2 });
  keepPool();
  keepPool();
  const [first, second] = machines;
  await engine.until(second!.id, ({ state }) => state === 'installing');
  await engine.install(await instanceOn(first!));
  await engine.install(await instanceOn(second!));
  expect(await engine.machines.countByState()).toEqual({ active: 2, inactive: 2 });

  const instance = await owner();
  await engine.say(instance.id, 'installed');
  await engine.until(machines[2]!.id, ({ state }) => state === 'installing');
  expect(await engine.machines.countByState()).toMatchObject({ active: 1, installing: 1, inactive: 1 });
});

it('does not use up one machine after another on an image that cannot be installed', async () => {
  const [first] = await engine.inactiveMachines(3);
  await setPool({ poolSize: 1 });
  keepPool();
  const { instanceId } = await engine.until(
    first!.id,
    ({ stage, awaits }) => stage === 'booting' && !!awaits,
  );
  await engine.say(instanceId!, 'install');
  await engine.say(instanceId!, 'failed', 'no suitable disk');
  await engine.until(first!.id, ({ state }) => state === 'install_failed');
  expect(await engine.spawning.intoPool(await engine.types.get('small'), { atMost: 1 })).toBeNull();
  expect(await engine.machines.countByState()).toEqual({ install_failed: 1, inactive: 2 });
});

it('installs a machine again after it was given back, when its type says so', async () => {
  const [machine] = await engine.inactiveMachines(2);
  await setPool({ afterDestroy: 'reinstall' });
  keepPool();
  const instance = await engine.spawn(machine, 'blue');
  await engine.install(instance);
  await engine.verbs.destroy(instance.id, asker);
  await engine.wipe(instance);
  await engine.until(machine!.id, ({ state }) => state === 'installing');
  expect((await instanceOn(machine!)).pooled).toBe(true);
  expect(await engine.machines.countByState()).toEqual({ installing: 1, inactive: 1 });
});

it('keeps the default image of a pool from being removed', async () => {
  await setPool({ poolSize: 0 });
  await expect(engine.images.remove(await engine.images.find('debian'))).rejects.toMatchObject({
    code: 'image-in-use',
    message: 'The image debian is in use by the pool of small.',
  });
});
