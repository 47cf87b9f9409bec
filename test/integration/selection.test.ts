import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import pg from 'pg';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type TestRedis } from '../support/redis.js';

const asker = { kind: 'token', name: 'test' } as const;
let postgres: TestPostgres;
let redis: TestRedis;
let engine: TestEngine;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
});

afterAll(async () => {
  await redis.stop();
  await postgres.stop();
});

afterEach(() => engine.stop());

describe.each(['PostgreSQL', 'Redis'])('with the queue in %s', (backend) => {
  it('makes exactly 60 instances on 60 machines of 100 spawns at once, and 40 clear refusals', async () => {
    engine = await TestEngine.start(await postgres.database(), backend === 'Redis' ? redis.url : undefined);
    await engine.inactiveMachines(60);
    const asked = await Promise.allSettled(Array.from({ length: 100 }, () => engine.spawn()));
    const made = asked.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refusals = asked.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(made).toHaveLength(60);
    expect(new Set(made.map(({ machineId }) => machineId)).size).toBe(60);
    expect(refusals).toHaveLength(40);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        code: 'machine-unavailable',
        message: 'Bare metal machine unavailable. 60 machines: each is installing.',
      });
    expect(await engine.machines.countByState()).toEqual({ installing: 60 });
  });
});

describe('choosing a machine', () => {
  beforeEach(async () => {
    engine = await TestEngine.start(await postgres.database());
  });

  const nameOf = async (machineId: string | null) => (await engine.machines.get(machineId ?? '')).name;

  it('passes over machines whose hint means one disk, when two are mirrored', async () => {
    const [one, two, three] = await engine.inactiveMachines(3);
    await engine.verbs.change(one!.id, { rootDeviceHint: { serial: 'S1' } }, asker);
    await engine.verbs.change(two!.id, { rootDeviceHint: { model: 'Big SSD' } }, asker);
    await engine.types.update('small', {
      diskLayout: { raid1: true, partitions: [{ use: 'root', sizeMib: 'rest' }] },
    });
    const taken = [await engine.spawn(), await engine.spawn()].map(({ machineId }) => machineId);
    expect(taken).toEqual([two!.id, three!.id]);
    await expect(engine.spawn()).rejects.toThrow(
      'has a root device hint that names one disk, and RAID 1 takes two',
    );
  });

  it('tells the five commonest reasons when there is none', async () => {
    const machines = await engine.inactiveMachines(8); // two lack all of it, each other one something else
    const gpu = { labels: { gpu: 'yes' } };
    const [cpus, memory] = [{ vcpus: 4 }, { memoryMb: 4096 }];
    const has = [gpu, cpus, memory, { ...gpu, ...cpus }, { ...gpu, ...memory }, { ...cpus, ...memory }];
    for (const [index, change] of has.entries())
      await engine.verbs.change(machines[index]!.id, change, asker);
    const wish = { ...gpu, minVcpus: 4, minMemoryMb: 4096 };
    await expect(engine.spawn(undefined, undefined, undefined, wish)).rejects.toThrow(
      /unavailable\. 2 machines: each (?:[^;]*; ){5}2 more for other reasons\.$/,
    );
  });

  it('takes the first by name that meets every constraint', async () => {
    const [first, second, third] = await engine.inactiveMachines(3);
    await engine.verbs.change(second!.id, { labels: { gpu: 'yes' }, vcpus: 8, memoryMb: 4096 }, asker);
    await engine.verbs.change(third!.id, { labels: { gpu: 'yes' }, vcpus: 16, memoryMb: 4096 }, asker);
    const wish = { labels: { gpu: 'yes' }, minVcpus: 4, minMemoryMb: 4096 };
    expect(await nameOf((await engine.spawn(undefined, undefined, undefined, wish)).machineId)).toBe('m002');
    const more = { ...wish, minVcpus: 12 };
    expect(await nameOf((await engine.spawn(undefined, undefined, undefined, more)).machineId)).toBe('m003');
    await expect(engine.spawn(undefined, undefined, undefined, more)).rejects.toThrow(
      'm001 has no label gpu=yes, has fewer than 12 CPUs, has less than 4096 MiB of memory',
    );
    expect((await engine.machines.get(first!.id)).state).toBe('inactive');
  });

  it('tells in a dry run what it would take and why not the others, and takes nothing', async () => {
    const [first, second, third] = await engine.inactiveMachines(3);
    await engine.verbs.maintain(first!.id, 'a fan is broken', asker);
    await engine.verbs.lock(second!.id, 'evidence', asker);
    const request = { hostName: 'a', image: 'debian', instanceType: 'small' };
    const assessed = await engine.spawning.assess(request);
    const told = assessed.map(({ machine, way, reasons }) => [machine.name, way, reasons]);
    expect(told).toEqual([
      ['m001', 'install', ['is in maintenance']],
      ['m002', 'install', ['is locked']],
      ['m003', 'install', []],
    ]);
    expect((await engine.machines.get(third!.id)).state).toBe('inactive');
    expect((await engine.spawning.spawn(request, asker)).machineId).toBe(third!.id);
  });

  it('takes a machine whose firmware the image has a boot loader for', async () => {
    const machines = await engine.inactiveMachines(3);
    await engine.verbs.change(machines[2]!.id, { bootMode: 'uefi' }, asker);
    const { id: _id, createdAt: _at, ...debian } = await engine.images.find('debian');
    const description = {
      os: { id: 'debian', name: 'Debian', version: null },
      architecture: 'x86_64',
      bootModes: ['uefi' as const],
      installableBootModes: [],
      partitionTable: null,
      rootPartition: 1,
      rootFileSystem: 'ext4',
      kernelArguments: null,
      defaultUser: null,
    };
    const kind = 'disk' as const;
    await engine.images.create({ ...debian, name: 'cloud', kind, fileSystem: null, description });
    const spawn = (hostName: string) =>
      engine.spawning.spawn({ hostName, image: 'cloud', instanceType: 'small' }, asker);
    expect(await nameOf((await spawn('a')).machineId)).toBe('m003');
    await expect(spawn('b')).rejects.toThrow('has no uefi firmware, which the image needs');
  });

  it('keeps the machines of a cluster apart, however many are asked for at once', async () => {
    const machines = await engine.inactiveMachines(6);
    for (const [index, { id }] of machines.entries())
      await engine.verbs.change(id, { labels: { rack: `r${index % 3}` } }, asker);
    const asked = await Promise.allSettled(
      Array.from({ length: 6 }, () => engine.spawn(undefined, 'blue', undefined, { antiAffinity: 'rack' })),
    );
    const racks = await Promise.all(
      asked.flatMap((result) =>
        result.status === 'fulfilled'
          ? [engine.machines.get(result.value.machineId!).then(({ labels }) => labels.rack)]
          : [],
      ),
    );
    expect(racks.sort()).toEqual(['r0', 'r1', 'r2']);
    const refusal = asked.find((result) => result.status === 'rejected');
    expect(refusal?.reason.message).toContain('shares its rack with a machine of the cluster blue');
  });

  it('begins a cluster with its first instance and holds it to one VLAN', async () => {
    await engine.inactiveMachines(3);
    await expect(
      engine.spawn(undefined, 'blue', undefined, { vlanId: 7, createCluster: false }),
    ).rejects.toMatchObject({ code: 'cluster-not-found' });
    await engine.spawn(undefined, 'blue', undefined, { vlanId: 7 });
    await expect(engine.spawn(undefined, 'blue', undefined, { vlanId: 8 })).rejects.toMatchObject({
      code: 'cluster-vlan-mismatch',
    });
    expect(await engine.spawn(undefined, 'blue', undefined, { createCluster: false })).toMatchObject({
      vlanId: 7,
    });
  });

  it('waits for a free machine that something else holds for a moment, and does not refuse', async () => {
    const [machine] = await engine.inactiveMachines(1);
    const client = new pg.Client({ connectionString: engine.database.url.reveal() });
    await client.connect();
    await client.query('BEGIN');
    await client.query('UPDATE machines SET power_at = now() WHERE id = $1', [machine!.id]);
    const spawned = engine.spawn();
    const waiting = 'SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted';
    const isWaiting = async () =>
      (await engine.database.client.$queryRawUnsafe<{ n: number }[]>(waiting))[0]!.n > 0;
    while (!(await isWaiting()));
    await client.query('COMMIT');
    await client.end();
    expect((await spawned).machineId).toBe(machine!.id);
  });
});
