import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  afterDestroyPolicies,
  bootModes,
  defaultsScopes,
  imageKinds,
  installMethods,
  instanceStates,
  machineStates,
  powerOrderNames,
  powerStates,
  readBackPolicies,
  stages,
  wipeModes,
} from '#core';
import { applyMigrations, Database, databaseUnavailable, schemaDifference } from '#store';
import { Secret, SecretBox, SystemClock } from '#platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresProxy } from '../faults/postgres-proxy.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { TestEngine } from '../support/engine.js';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres.stop());

async function query(url: Secret, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url.reveal() });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Columns, indexes, constraints and enums, as PostgreSQL itself tells them. */
async function shape(url: Secret) {
  const ours = `NOT LIKE '\\_prisma%'`;
  return {
    columns: await query(
      url,
      `SELECT table_name, column_name, data_type, udt_name, is_nullable, column_default FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name ${ours} ORDER BY 1, 2`,
    ),
    indexes: await query(
      url,
      `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename ${ours} ORDER BY 1`,
    ),
    constraints: await query(
      url,
      `SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text ${ours} ORDER BY 1`,
    ),
    enums: await enums(url),
  };
}

const enums = (url: Secret) =>
  query(
    url,
    `SELECT typname AS name, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
     FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY 1 ORDER BY 1`,
  );

describe('the database', () => {
  it('has the same shape by its migrations as by its schema', async () => {
    const [migrated, created] = [await postgres.database(), await postgres.database()];
    await applyMigrations(migrated.reveal());
    const schema = await readFile('prisma/schema.prisma', 'utf8');
    await query(created, await schemaDifference(created.reveal(), undefined, schema));
    const expected = await shape(created);
    expect(expected.columns.length).toBeGreaterThan(50);
    expect(await shape(migrated)).toEqual(expected);
  });

  it('applies its migrations once', async () => {
    const url = await postgres.database();
    expect(await applyMigrations(url.reveal())).not.toEqual([]);
    expect(await applyMigrations(url.reveal())).toEqual([]);
  });

  it('has the enums of the life cycle', async () => {
    const url = await postgres.database();
    await applyMigrations(url.reveal());
    const labels = Object.fromEntries((await enums(url)).map(({ name, labels }) => [name, labels]));
    expect(labels).toEqual({
      AfterDestroy: [...afterDestroyPolicies],
      BootMode: [...bootModes],
      DefaultsScope: [...defaultsScopes],
      ImageKind: [...imageKinds],
      InstallMethod: [...installMethods],
      InstanceState: instanceStates,
      MachineState: machineStates,
      PowerOrder: powerOrderNames,
      PowerState: [...powerStates],
      ReadBack: [...readBackPolicies],
      Stage: stages,
      WipeMode: [...wipeModes],
    });
  });
});

describe('the stores', () => {
  let engine: TestEngine;

  beforeAll(async () => {
    engine = await TestEngine.start(await postgres.database());
  });

  afterAll(() => engine.stop());

  it('names the field of a machine that is enrolled twice, and enrols none of a list with one bad row', async () => {
    await engine.enrol('m1', 1);
    await expect(engine.enrol('m1', 2)).rejects.toMatchObject({
      code: 'machine-duplicate',
      context: { field: 'name' },
    });
    await expect(engine.enrol('m2', 1)).rejects.toMatchObject({ code: 'machine-duplicate' });
    expect((await engine.machines.list({ limit: 10 })).items.map(({ name }) => name)).toEqual(['m1']);
  });

  it('keeps the password of a BMC encrypted, and gives it to the driver alone', async () => {
    const machine = await engine.machines.find('m1');
    expect(machine).not.toHaveProperty('bmcPassword');
    expect((await engine.machines.bmcPassword(machine.id)).reveal()).toBe('secret');
    const [row] = await query(engine.database.url, 'SELECT bmc_password FROM machines');
    expect(row?.['bmc_password']).not.toContain('secret');
  });

  it('pages through machines by name', async () => {
    await engine.enrol('m2', 2);
    const first = await engine.machines.list({ limit: 1 });
    expect(first).toMatchObject({ items: [{ name: 'm1' }], next: 'm1' });
    const second = await engine.machines.list({ limit: 1, after: first.next ?? '' });
    expect(second).toMatchObject({ items: [{ name: 'm2' }], next: null });
  });

  it('tells each event once and in the order of its id, whoever writes at the same time', async () => {
    const seen: string[] = [];
    const written = new Promise<void>((resolve) => {
      engine.feed.subscribe(({ id, kind }) => {
        if (kind === 'test') seen.push(id);
        if (seen.length === 200) resolve();
      });
    });
    await Promise.all(
      Array.from({ length: 200 }, () => engine.events.append({ kind: 'test', message: 'x' })),
    );
    await written;
    expect(seen.map(Number)).toEqual([...new Set(seen.map(Number))].sort((a, b) => a - b));
  });
});

it('a query whose connection breaks has found no database', async () => {
  const url = await postgres.database();
  const door = new PostgresProxy();
  door.upstreamPort = postgres.port();
  const through = new Secret(url.reveal().replace(/:\d+\//, `:${await door.start()}/`));
  const database = await Database.open(through, new SystemClock(), new SecretBox(randomBytes(32)));
  const asked = database.client.$queryRaw`SELECT pg_sleep(60)`.catch(databaseUnavailable);
  const active = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`;
  await expect.poll(async () => (await query(url, active)).length, { timeout: 20_000 }).toBe(1);
  await door.stop();
  expect(await asked).toMatchObject({ code: 'database-unavailable', retryable: true });
  for (const asking of [() => database.client.$queryRaw`SELECT 1`, () => database.client.machine.findMany()])
    expect(await asking().catch(databaseUnavailable)).toMatchObject({ code: 'database-unavailable' });
  await database.close();
});
