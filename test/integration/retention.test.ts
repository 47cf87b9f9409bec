import { randomBytes } from 'node:crypto';
import type { Machine } from '#core';
import { type Retention, Secret, SecretBox } from '#platform';
import { Housekeeping } from '#provisioning';
import { Database, EventStore, InstanceTypeStore, LifecycleWriter, MachineStore, Pruner } from '#store';
import { FakeClock } from '#testing';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

const dayMs = 24 * 3_600_000;
const keep: Retention = { eventsMs: 180 * dayMs, logsMs: 30 * dayMs, maxBytes: 2 ** 40 };

let postgres: TestPostgres;
let clock: FakeClock;
let database: Database;
let connection: pg.Client;
let events: EventStore;
let machines: MachineStore;
let writer: LifecycleWriter;
let pruner: Pruner;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres.stop());

beforeEach(async () => {
  const url = await postgres.database();
  clock = new FakeClock();
  database = await Database.open(url, clock, new SecretBox(randomBytes(32)));
  connection = new pg.Client({ connectionString: url.reveal() });
  await connection.connect();
  events = new EventStore(database);
  machines = new MachineStore(database);
  writer = new LifecycleWriter(database);
  pruner = new Pruner(database);
  await new InstanceTypeStore(database).create(standard);
  await connection.query('TRUNCATE events'); // that a type was made is not what is counted here
});

afterEach(async () => {
  await connection.end();
  await database.close();
});

const standard = {
  name: 'standard',
  vcpus: 1,
  memoryMb: 1024,
  localGb: 8,
  rootSizeMib: 2048,
  swapSizeMib: 128,
  kdumpSizeMib: 64,
  ephemeralSizeMib: 0,
  diskLayout: null,
  readBack: 'sampled' as const,
  wipeMode: 'quick' as const,
  kernelArguments: null,
  forbiddenMethods: [],
  defaultImageId: null,
  afterDestroy: 'none' as const,
  poolSize: 0,
};

const enrol = (): Promise<Machine> =>
  machines.create(
    {
      name: 'm1',
      instanceType: standard.name,
      vcpus: 1,
      memoryMb: 1024,
      localGb: 8,
      availabilityZone: 'lab',
      bmcHost: '10.0.0.1',
      bmcPort: 623,
      bmcUser: 'admin',
      bmcPassword: new Secret('secret'),
      bmcCipherSuite: 3,
      pxeMac: '52:54:00:00:00:01',
      bootMode: 'bios',
      labels: {},
    },
    'test',
  );

const happen = (message: string, kind = 'bmc.command', machine?: Machine) =>
  events.append({ kind, message, machineId: machine?.id });
const left = async () => (await events.list({ limit: 1000 })).items.map(({ message }) => message);

/** So many events at once, as large as real ones. */
const fill = (count: number, kind: string, machine?: Machine) =>
  connection.query(
    `INSERT INTO events (at, kind, machine_id, instance_id, message, data)
     SELECT $1, $2, $3, gen_random_uuid(), 'number ' || n, jsonb_build_object('text', repeat(md5(n::text), 4)) FROM generate_series(1, $4) n`,
    [clock.now(), kind, machine?.id, count],
  );
const countOf = async (kind: string) => {
  const { rows } = await connection.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM events WHERE kind = $1',
    [kind],
  );
  return rows[0]!.n;
};

describe('what is old', () => {
  it('goes: logs after their time, facts after theirs', async () => {
    await happen('a command');
    await happen('a line', 'installer.log');
    await happen('50 %', 'notify.progress');
    await happen('login:', 'console.output');
    await clock.advance(31 * dayMs);
    await happen('a new line', 'installer.log');
    expect(await pruner.prune(keep)).toEqual({ logs: 3, facts: 0, idempotencyKeys: 0, excessBytes: 0 });
    expect(await left()).toEqual(['a command', 'a new line']);
    await clock.advance(150 * dayMs);
    expect(await pruner.prune(keep)).toMatchObject({ logs: 1, facts: 1 });
    expect(await left()).toEqual([]);
  });

  it('goes in many small transactions, all of it', async () => {
    await fill(2500, 'bmc.command');
    await fill(2500, 'installer.log');
    await clock.advance(181 * dayMs);
    await happen('a new one');
    expect(await pruner.prune(keep)).toMatchObject({ logs: 2500, facts: 2500 });
    expect(await left()).toEqual(['a new one']);
  });

  it('stays when it is evidence of a work under way', async () => {
    const machine = await enrol();
    await happen('long before', 'bmc.command', machine);
    await writer.advance(machine, 'verify', { message: 'verifying' });
    await happen('meanwhile', 'installer.log', machine);
    await happen('of another', 'installer.log');
    await clock.advance(400 * dayMs);
    expect(await pruner.prune(keep)).toMatchObject({ logs: 1, facts: 2 });
    expect(await left()).toEqual(['verifying', 'meanwhile']);
  });

  it('stays when it is evidence of the work that a machine failed in; what came after that goes', async () => {
    const machine = await enrol();
    const first = await writer.advance(machine, 'verify', { message: 'the first try' });
    const failed = await writer.advance(first, 'failed', { message: 'the first failure' });
    const second = await writer.advance(failed, 'verify', { message: 'the second try' });
    await happen('its evidence', 'installer.log', machine);
    await writer.advance(second, 'failed', { message: 'the second failure' });
    await happen('asks for its boot file for ever', 'tftp.request', machine);
    await clock.advance(400 * dayMs);
    await pruner.prune(keep);
    expect(await left()).toEqual(['the second try', 'its evidence', 'the second failure']);
  });

  it('goes when the work has ended well', async () => {
    const machine = await enrol();
    const verifying = await writer.advance(machine, 'verify', { message: 'verifying' });
    await writer.advance(verifying, 'verified', { message: 'its BMC answers' });
    await clock.advance(400 * dayMs);
    await pruner.prune(keep);
    expect(await left()).toEqual([]);
  });

  it('goes with the idempotency keys of a week ago', async () => {
    const key = (name: string) => ({
      key: name,
      requestHash: 'x',
      instanceId: '00000000-0000-4000-8000-000000000001',
      createdAt: clock.now(),
    });
    await database.client.idempotencyKey.create({ data: key('old') });
    await clock.advance(8 * dayMs);
    await database.client.idempotencyKey.create({ data: key('new') });
    expect(await pruner.prune(keep)).toMatchObject({ idempotencyKeys: 1 });
    expect(await database.client.idempotencyKey.findMany({ select: { key: true } })).toEqual([
      { key: 'new' },
    ]);
  });
});

describe('what is too much', () => {
  /** With all of it evidence nothing goes, and what is said to be too much is all there is. */
  async function measured(): Promise<number> {
    const pruned = await pruner.prune({ ...keep, maxBytes: 1 });
    return (pruned?.excessBytes ?? 0) + 1;
  }

  it('is measured by what is there, near to what a fresh table takes', async () => {
    const machine = await writer.advance(await enrol(), 'verify', { message: 'verifying' });
    await fill(20_000, 'installer.log', machine);
    const { rows } = await connection.query<{ files: number }>(
      "SELECT pg_total_relation_size('events')::float8 AS files",
    );
    const ratio = (await measured()) / rows[0]!.files;
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
    // ids go up by two: the column's default takes one, the trigger that orders them another
    await connection.query("DELETE FROM events WHERE kind = 'installer.log' AND id % 4 = 0");
    expect((await measured()) / rows[0]!.files).toBeCloseTo(ratio / 2, 1);
  });

  it('goes, the oldest first and logs before facts, and only so much', async () => {
    await fill(4000, 'bmc.command');
    await fill(4000, 'installer.log');
    const { rows } = await connection.query<{ files: number }>(
      "SELECT pg_total_relation_size('events')::float8 AS files",
    );
    const bounded = { ...keep, maxBytes: rows[0]!.files * 0.8 };
    const pruned = await pruner.prune(bounded);
    expect(pruned).toMatchObject({ facts: 0, excessBytes: 0 });
    expect(pruned!.logs).toBeGreaterThan(1500);
    expect(await countOf('installer.log')).toBeGreaterThan(1000);
    const { items } = await events.list({ kinds: ['installer.log'], limit: 1 });
    expect(items[0]?.message).toBe(`number ${pruned!.logs + 1}`);
    expect(await pruner.prune(bounded), 'the files are as large as before').toMatchObject({
      logs: 0,
      facts: 0,
    });
  });

  it('takes facts when all logs are gone', async () => {
    await fill(4000, 'bmc.command');
    await fill(1000, 'installer.log');
    const pruned = await pruner.prune({ ...keep, maxBytes: 1024 ** 2 });
    expect(pruned).toMatchObject({ logs: 1000, excessBytes: 0 });
    expect(await countOf('bmc.command')).toBe(4000 - pruned!.facts);
    expect(pruned!.facts).toBeGreaterThan(100);
  });
});

describe('pruning', () => {
  it('is done by one of two that begin at once, and neither takes too much', async () => {
    await fill(5000, 'installer.log');
    const { rows } = await connection.query<{ files: number }>(
      "SELECT pg_total_relation_size('events')::float8 AS files",
    );
    const bounded = { ...keep, maxBytes: rows[0]!.files * 0.7 };
    const pruned = await Promise.all([pruner.prune(bounded), new Pruner(database).prune(bounded)]);
    const removed = pruned.map((one) => one?.logs ?? 0).filter((logs) => logs > 0);
    expect(removed).toEqual([5000 - (await countOf('installer.log'))]);
  });

  it('neither waits for writers nor holds them up', async () => {
    await fill(1500, 'installer.log');
    await clock.advance(31 * dayMs);
    await connection.query('BEGIN');
    await connection.query(
      "INSERT INTO events (kind, message) VALUES ('test', 'the lock of the timeline is held')",
    );
    expect(await pruner.prune(keep)).toMatchObject({ logs: 1500 });
    await connection.query('COMMIT');
    expect(await left()).toEqual(['the lock of the timeline is held']);
  });

  it('happens at the start and once an hour, and says what it removed', async () => {
    const lines: Record<string, unknown>[] = [];
    let told = () => {};
    const nextLine = () => new Promise<void>((resolve) => (told = resolve));
    const write = (line: string) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
      told();
    };
    const logger = pino({ base: null, timestamp: false }, { write });
    const housekeeping = new Housekeeping(pruner, keep, { clock, logger });
    await happen('the first', 'installer.log');
    await clock.advance(31 * dayMs);
    const first = nextLine();
    housekeeping.start();
    await first;
    await expect.poll(() => clock.pending).toBe(1);
    await happen('the second', 'installer.log');
    const second = nextLine();
    await clock.advance(31 * dayMs);
    await second;
    await housekeeping.stop();
    expect(lines).toMatchObject([
      { logs: 1, facts: 0, msg: 'pruned the timeline' },
      { logs: 1, facts: 0 },
    ]);
    expect(clock.pending).toBe(0);
  });
});
