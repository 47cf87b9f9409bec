import { randomBytes } from 'node:crypto';
import type { EventView, InstanceView, Page } from '#contract';
import { type InstanceState, nothingConfigured } from '#core';
import { SecretBox, SystemClock } from '#platform';
import { Database } from '#store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { RunningController } from '../support/running-controller.js';

const minuteMs = 60_000;
const machineId = '00000000-0000-4000-8000-000000000001';
const kinds = ['state.changed', 'bmc.command', 'bmc.session', 'installer.log'];
const instances: [id: string, hostName: string, state: InstanceState][] = [
  ['aaaa0000-0000-4000-8000-000000000001', 'db1', 'deleted'],
  ['aaaa0000-0000-4000-8000-000000000002', 'db1', 'active'],
  ['aaab0000-0000-4000-8000-000000000003', 'db2', 'building'],
  ['bbbb0000-0000-4000-8000-000000000004', 'db3', 'error'],
  ['bbbb1000-0000-4000-8000-000000000005', 'twin', 'active'],
  ['bbbb2000-0000-4000-8000-000000000006', 'twin', 'active'],
];

let postgres: TestPostgres;
let dodai: RunningController;
let now: Date;

beforeAll(async () => {
  postgres = await startPostgres();
  const url = await postgres.database();
  const database = await Database.open(url, new SystemClock(), new SecretBox(randomBytes(32)));
  now = database.clock.now();
  for (let n = 0; n < 12; n += 1) {
    const at = new Date(now.getTime() - (12 - n) * minuteMs);
    const kind = kinds[n % kinds.length] as string;
    await database.client.event.create({
      data: { at, kind, message: `event ${n}`, machineId: n < 6 ? machineId : null },
    });
  }
  await database.client.instance.createMany({
    data: instances.map(([id, hostName, state]) => {
      const configuration = JSON.parse(JSON.stringify(nothingConfigured)) as object;
      return { id, hostName, state, instanceType: 'standard', configuration };
    }),
  });
  await database.close();
  dodai = await RunningController.start({ DATABASE_URL: url.reveal() });
});

afterAll(async () => {
  await dodai?.end();
  await postgres?.stop();
});

const numbers = (items: EventView[]) => items.map(({ message }) => Number(message.replace('event ', '')));
const page = async (query: string) => {
  const { body } = await dodai.ask<Page<EventView>>('GET', `/v1/events?${query}`);
  return { numbers: numbers(body.items), next: body.next };
};
const cli = (args: string) =>
  runCaptured(args.split(' '), {
    now: () => now,
    sleep: async () => undefined,
    env: { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token },
  });
const json = async <Document>(args: string) => JSON.parse((await cli(`${args} --json`)).stdout) as Document;

describe('a page of events', () => {
  it('may begin with the newest, and goes on before them', async () => {
    const first = await page('order=desc&limit=3');
    expect(first.numbers).toEqual([11, 10, 9]);
    const second = await page(`order=desc&limit=3&before=${first.next}`);
    expect(second.numbers).toEqual([8, 7, 6]);
    expect((await page(`before=${first.next}&limit=2`)).numbers).toEqual([0, 1]);
    expect(await page('order=desc&limit=12')).toMatchObject({ next: null });
  });

  it('is of some kinds, or of all below one', async () => {
    expect((await page('kind=state.changed')).numbers).toEqual([0, 4, 8]);
    expect((await page('kind=bmc.')).numbers).toEqual([1, 2, 5, 6, 9, 10]);
    expect((await page('kind=bmc.session,state.changed&order=desc&limit=3')).numbers).toEqual([10, 8, 6]);
    expect((await page('kind=bmc.session&kind=state.changed&limit=2')).numbers).toEqual([0, 2]);
    expect((await page(`machineId=${machineId}&kind=bmc.&order=desc`)).numbers).toEqual([5, 2, 1]);
    for (const none of ['kind=bmc', 'kind=none.', `kind=none.&machineId=${machineId}`])
      expect(await page(none)).toEqual({ numbers: [], next: null });
  });

  it('is of what happened since a time, in whatever zone', async () => {
    const since = new Date(now.getTime() - 3 * minuteMs);
    expect((await page(`since=${since.toISOString()}`)).numbers).toEqual([9, 10, 11]);
    const elsewhere = new Date(since.getTime() + 9 * 60 * minuteMs).toISOString().replace('Z', '%2B09:00');
    expect((await page(`since=${elsewhere}&kind=bmc.`)).numbers).toEqual([9, 10]);
  });

  it.each([
    'events?order=up',
    'events?kind=BMC',
    'events?kind=bmc..,,',
    'events?since=yesterday',
    'events?before=x',
    'instances?state=active,lost',
    'instances?deleted=perhaps',
    'instances?idPrefix=aaa',
    'instances?idPrefix=aaaa-',
    'instances?hostName=a_b',
  ])('is refused as %s', async (path) => {
    expect(await dodai.refused('GET', `/v1/${path}`)).toMatchObject({ status: 400, code: 'invalid-request' });
  });
});

describe('a stream of events', () => {
  it('is of the kinds asked for, from the time asked for', async () => {
    const since = new Date(now.getTime() - 8 * minuteMs).toISOString();
    const path = `/v1/events?kind=bmc.&since=${since}`;
    const stream = dodai.follow(path);
    const seen = [];
    for (let n = 0; n < 4; n += 1) seen.push((await stream.next()).value as EventView);
    await stream.return(undefined);
    expect(numbers(seen)).toEqual([5, 6, 9, 10]);
  });

  it('has no order, and says so', async () => {
    const headers = { accept: 'text/event-stream' };
    expect(await dodai.refused('GET', '/v1/events?order=desc&before=3', { headers })).toMatchObject({
      status: 400,
      errors: [{ field: 'before' }, { field: 'order' }],
    });
  });
});

describe('a page of instances', () => {
  const found = async (query: string) => {
    const { body } = await dodai.ask<Page<InstanceView>>('GET', `/v1/instances?${query}`);
    return body.items.map(({ id, hostName }) => `${id.slice(0, 5)} ${hostName}`);
  };

  it('leaves out the deleted, or has only those', async () => {
    expect(await found('deleted=false')).toHaveLength(5);
    expect(await found('deleted=true')).toEqual(['aaaa0 db1']);
    expect(await found('state=building,deleted')).toEqual(['aaaa0 db1', 'aaab0 db2']);
    expect(await found('state=building,deleted&deleted=false')).toEqual(['aaab0 db2']);
  });

  it('is found by host name and by the first digits of the id, page by page', async () => {
    expect(await found('hostName=db1')).toEqual(['aaaa0 db1', 'aaaa0 db1']);
    expect(await found('hostName=db1&deleted=false')).toEqual(['aaaa0 db1']);
    expect(await found('idPrefix=AAAA')).toHaveLength(2);
    expect(await found('idPrefix=bbbb1000-0000')).toEqual(['bbbb1 twin']);
    const after = instances[0]![0];
    expect(await found(`idPrefix=aaaa&after=${after}&limit=1`)).toEqual(['aaaa0 db1']);
  });
});

describe('the command line', () => {
  it('shows the newest events, the last of them last', async () => {
    expect(numbers(await json<EventView[]>('events --limit 3'))).toEqual([9, 10, 11]);
    expect(numbers(await json<EventView[]>('events --limit 2 --kind state.changed,bmc.session'))).toEqual([
      8, 10,
    ]);
    expect(numbers(await json<EventView[]>('events --since 2m'))).toEqual([10, 11]);
    expect(
      numbers(await json<EventView[]>(`events --since ${new Date(now.getTime() - minuteMs).toISOString()}`)),
    ).toEqual([11]);
    expect(await json<EventView[]>('events --limit 0')).toEqual([]);
    expect((await cli('events --since yesterday')).code).toBe(2);
  });

  it('finds an instance by what people know of it', async () => {
    const shown = async (given: string) => (await json<InstanceView>(`instances show ${given}`)).id;
    expect(await shown('db1')).toBe(instances[1]![0]);
    expect(await shown('aaab')).toBe(instances[2]![0]);
    expect(await shown('bbbb0000-')).toBe(instances[3]![0]);
    expect((await cli('instances show db9')).code).toBe(4);
    const { code, stderr } = await cli('instances show twin');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('any of 2 instances'),
    });
    expect((await cli('instances show aaaa')).stderr).toContain(instances[0]![0]);
    expect(await json<unknown[]>('instances list')).toHaveLength(5);
    expect(await json<unknown[]>('instances list --all --limit 6')).toHaveLength(6);
    expect(await json<unknown[]>('instances list --limit 2')).toHaveLength(2);
  });
});
