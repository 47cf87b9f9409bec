import { randomBytes } from 'node:crypto';
import { SecretBox, SystemClock } from '#platform';
import { Database, type EventFilter, EventStore, Pruner } from '#store';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

/** What EXPLAIN tells of a step of a plan. */
interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

interface Query {
  text: string;
  values: unknown[];
}

const million = 1_000_000;
const limit = 100;
const uuid = (group: string, n: number) => `00000000-0000-4000-${group}-${String(n).padStart(12, '0')}`;
const machine = (n: number) => uuid('8000', n);
const instance = (n: number) => uuid('9000', n);
/** Had half of all events, and none since: an estimate of one in two is far off among the newest. */
const noisy = machine(9999);
const secondsApart = 10;

let postgres: TestPostgres;
let database: Database;
let connection: pg.Client;
let events: EventStore;
let now: Date;

beforeAll(async () => {
  postgres = await startPostgres();
  const url = await postgres.database();
  database = await Database.open(url, new SystemClock(), new SecretBox(randomBytes(32)));
  events = new EventStore(database);
  connection = new pg.Client({ connectionString: url.reveal() });
  await connection.connect();
  now = database.clock.now();
  await connection.query('ALTER TABLE events SET UNLOGGED');
  await connection.query('ALTER TABLE events DISABLE TRIGGER USER');
  await connection.query(
    `INSERT INTO events (id, at, kind, machine_id, instance_id, message, data)
     SELECT n, $1::timestamptz - (${million} - n) * interval '${secondsApart} seconds',
       CASE WHEN n <= 3 THEN 'machine.enrolled' ELSE (ARRAY['bmc.command', 'notify.progress', 'installer.log', 'console.output',
         'state.changed', 'stage.changed', 'tftp.request', 'http.request', 'bmc.session', 'verb.asked'])[1 + n % 10] END,
       CASE WHEN n <= ${million / 2} THEN '${noisy}' ELSE '00000000-0000-4000-8000-' || lpad((n % 1000)::text, 12, '0') END::uuid,
       ('00000000-0000-4000-9000-' || lpad((n % 5000)::text, 12, '0'))::uuid,
       'a sentence for people', '{"verb": "status"}'
     FROM generate_series(1, ${million}) n`,
    [now],
  );
  await connection.query('ANALYZE events');
}, 180_000);

afterAll(async () => {
  await connection.end();
  await database.close();
  await postgres.stop();
});

/** The statements that reading this page sends to PostgreSQL, as they are sent. */
async function queriesOf(read: () => Promise<unknown>): Promise<Query[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await read();
    const queries = spy.mock.calls.map(([query]) => query as unknown as Query);
    return queries.filter(({ text }) => /^\s*(SELECT|WITH)\b/.test(text) && !text.includes('lock'));
  } finally {
    spy.mockRestore();
  }
}

async function plansOf(read: () => Promise<unknown>): Promise<Plan[]> {
  const queries = await queriesOf(read);
  expect(queries.length).toBeGreaterThan(0);
  const plans: Plan[] = [];
  for (const { text, values } of queries) {
    const explain = `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`;
    const { rows } = await connection.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(explain, values);
    plans.push(rows[0]!['QUERY PLAN'][0].Plan);
  }
  return plans;
}

const steps = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(steps)];
const scans = (plans: Plan[], table: string) =>
  plans.flatMap(steps).filter((step) => step['Relation Name'] === table);
const rowsRead = (step: Plan) =>
  (step['Actual Rows'] + (step['Rows Removed by Filter'] ?? 0)) * step['Actual Loops'];
const total = (found: Plan[]) => found.reduce((sum, step) => sum + rowsRead(step), 0);

describe(`a page of ${million} events`, () => {
  const hour = 3_600_000;
  const pages: [what: string, filter: Omit<EventFilter, 'limit'>, mostRows?: number][] = [
    ['of all', {}],
    ['of all, after one in the middle', { after: '500000' }],
    ['of all, the newest first', { order: 'desc' }],
    ['of all, the newest first, before one in the middle', { order: 'desc', before: '500000' }],
    ['of a machine', { machineId: machine(7) }],
    ['of a machine, after one', { machineId: machine(7), after: '700000' }],
    ['of a machine, the newest first', { machineId: machine(7), order: 'desc' }],
    [
      'of a machine, the newest first, before one',
      { machineId: machine(7), order: 'desc', before: '700000' },
    ],
    ['of a machine whose many events are old, the newest first', { machineId: noisy, order: 'desc' }],
    ['of a machine that has none', { machineId: machine(8888), order: 'desc' }],
    ['of an instance', { instanceId: instance(7) }],
    ['of an instance, after one', { instanceId: instance(7), after: '700000' }],
    ['of an instance, the newest first', { instanceId: instance(7), order: 'desc' }],
    ['of a kind', { kinds: ['verb.asked'] }],
    ['of a kind, the newest first', { kinds: ['verb.asked'], order: 'desc', before: '800000' }],
    ['of a kind that has become rare, the newest first', { kinds: ['machine.enrolled'], order: 'desc' }],
    ['of a kind that there is none of', { kinds: ['machine.removed'], order: 'desc' }],
    ['of a family of kinds, the newest first', { kinds: ['bmc.'], order: 'desc' }, 2 * (limit + 1) + 20],
    ['since an hour ago', { since: new Date(Date.parse('2026-01-01')) }],
  ];

  it.each(pages)('%s is read along an index, and little more than the page', async (_what, filter, most) => {
    const read = { ...filter, ...(filter.since && { since: new Date(now.getTime() - hour) }), limit };
    const plans = await plansOf(() => events.list(read));
    const found = scans(plans, 'events');
    expect(found.map((step) => step['Node Type'])).not.toContain('Seq Scan');
    expect(found.length).toBeGreaterThan(0);
    expect(total(found)).toBeLessThanOrEqual((most ?? limit + 1) + (filter.since ? 80 : 0));
  });

  it('of a machine, of some kinds, reads that machine alone', async () => {
    const filter = {
      machineId: machine(7),
      kinds: ['bmc.', 'machine.enrolled'],
      order: 'desc',
      limit,
    } as const;
    const plans = await plansOf(() => events.list(filter));
    expect(total(scans(plans, 'events'))).toBeLessThanOrEqual(1000);
  });
});

it('a look for what is too old reads no more than the first of it', async () => {
  const keep = { eventsMs: 2e10, logsMs: 2e10, maxBytes: 2 ** 40 };
  const found = scans(await plansOf(() => new Pruner(database).prune(keep)), 'events');
  expect(found.map((step) => step['Node Type'])).not.toContain('Seq Scan');
  expect(found.map((step) => step['Index Name'])).toContain('events_kind_id_idx');
  expect(total(found)).toBeLessThanOrEqual(4010);
});

describe('a page', () => {
  const ids = async (filter: Omit<EventFilter, 'limit'>, size = 3) => {
    const { items, next } = await events.list({ ...filter, limit: size });
    return { ids: items.map(({ id }) => Number(id)), next };
  };

  it('goes on behind the last, forwards and backwards', async () => {
    expect(await ids({ after: '10' })).toEqual({ ids: [11, 12, 13], next: '13' });
    expect(await ids({ order: 'desc', before: '14' })).toEqual({ ids: [13, 12, 11], next: '11' });
    expect(await ids({ order: 'desc', before: '3' })).toEqual({ ids: [2, 1], next: null });
    expect(await ids({ order: 'desc', after: '999998' })).toEqual({ ids: [1_000_000, 999_999], next: null });
  });

  it('merges the kinds in the order of their ids', async () => {
    const filter = { kinds: ['bmc.', 'machine.enrolled'] };
    expect(await ids(filter, 5)).toEqual({ ids: [1, 2, 3, 8, 10], next: '10' });
    expect(await ids({ ...filter, order: 'desc', before: '11' })).toEqual({ ids: [10, 8, 3], next: '3' });
  });

  it('since a time begins with the first event at that time', async () => {
    const since = new Date(now.getTime() - 2 * secondsApart * 1000);
    expect(await ids({ since }, 9)).toEqual({ ids: [999_998, 999_999, 1_000_000], next: null });
    expect(await ids({ since, kinds: ['verb.asked', 'bmc.'] })).toEqual({
      ids: [999_998, 999_999, 1_000_000],
      next: null,
    });
    expect(await ids({ since: new Date(now.getTime() + 60_000) })).toEqual({ ids: [], next: null });
    expect((await ids({ since: new Date(0) })).ids).toEqual([1, 2, 3]);
  });
});
