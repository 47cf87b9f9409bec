import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page, UserDataItemStored, UserDataItemSummary, UserDataItemView } from '#contract';
import type { UserDataPart } from '#core';
import { SecretBox, SystemClock } from '#platform';
import { Database, UserDataItemStore } from '#store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CapturedRun, runCaptured } from '../../apps/cli/src/captured-io.js';
import { RunningController } from '../support/running-controller.js';
import { startPostgres } from '../support/postgres.js';

let dodai: RunningController;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-items-'));
  dodai = await RunningController.start();
});
afterAll(async () => {
  await Promise.all([dodai?.end(), rm(folder, { recursive: true })]);
});

const packages = (name: string) => `#cloud-config\npackages: [${name}]\n`;
const path = (name: string) => `/v1/user-data-items/${name}`;
const put = async (name: string, body: Record<string, unknown>) =>
  (await dodai.ask<UserDataItemStored>('PUT', path(name), { body: { type: 'text/cloud-config', ...body } }))
    .body;
const get = async (name: string) => (await dodai.ask<UserDataItemView>('GET', path(name))).body;
const versionsOf = ({ versions }: UserDataItemView) => versions.map(({ version }) => version);

describe('the library of user data', () => {
  it('keeps every version, and shows the newest', async () => {
    expect(await put('base', { content: packages('a') })).toMatchObject({ version: 1, warnings: [] });
    expect(await put('base', { content: packages('b'), description: 'what all have' })).toMatchObject({
      version: 2,
      content: packages('b'),
      template: false,
      mergeType: null,
    });
    const newest = await get('base');
    expect(newest).toMatchObject({ version: 2, description: 'what all have', bytes: packages('b').length });
    expect(versionsOf(newest)).toEqual([2, 1]);
    expect(await get('base?version=1')).toMatchObject({ version: 1, content: packages('a') });
  });

  it('makes no new version of the same', async () => {
    await put('same', { content: packages('a') });
    expect(versionsOf(await put('same', { content: packages('a') }))).toEqual([1]);
  });

  it('numbers what is put at the same time one after another', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => put('contended', { content: packages(name) })));
    expect(versionsOf(await get('contended'))).toEqual([4, 3, 2, 1]);
  });

  it('lists the newest version of each, page by page, without the content', async () => {
    const first = (await dodai.ask<Page<UserDataItemSummary>>('GET', '/v1/user-data-items?limit=1')).body;
    expect(first).toMatchObject({ items: [{ name: 'base', version: 2 }], next: 'base' });
    expect(first.items[0]).not.toHaveProperty('content');
    const rest = (await dodai.ask<Page<UserDataItemSummary>>('GET', '/v1/user-data-items?after=base')).body;
    expect(rest.items.map(({ name, version }) => [name, version])).toEqual([
      ['contended', 4],
      ['same', 1],
    ]);
  });

  it('refuses what cloud-init could not use, with line and field', async () => {
    const body = { type: 'text/cloud-config', content: '#cloud-config\nusers:\n  - name: a\n    shel: x\n' };
    const problem = await dodai.refused('PUT', path('bad'), { body });
    expect(problem).toMatchObject({ status: 400, code: 'user-data-invalid' });
    expect(problem.errors).toEqual([
      {
        field: 'content',
        message: expect.stringContaining('line 4, column 5, users[0].shel: there is no such key'),
      },
    ]);
    expect(await dodai.refused('GET', path('bad'))).toMatchObject({ code: 'user-data-item-not-found' });
  });

  it('looks at a template as it comes out, and knows its names', async () => {
    const template = {
      template: true,
      content: '#cloud-config\nhostname: {{ metadata.alias }}\nfqdn: {{ hostName }}\n',
    };
    expect(await put('template', template)).toMatchObject({ version: 1, warnings: [] });
    const body = {
      type: 'text/cloud-config',
      template: true,
      content: '#cloud-config\nhostname: {{ hostname }}\n',
    };
    const problem = await dodai.refused('PUT', path('template'), { body });
    expect(problem.errors?.[0]?.message).toMatch(
      /line 2, column 14: there is no value hostname; known are instanceId, hostName/,
    );
  });

  it('takes with a warning what will not work one day', async () => {
    const { warnings } = await put('old', { content: '#cloud-config\napt_update: true\n' });
    expect(warnings).toMatchObject([
      { line: 2, path: 'apt_update', message: expect.stringContaining('is deprecated') },
    ]);
  });

  it('forgets one version, or all', async () => {
    await put('gone', { content: packages('a') });
    await put('gone', { content: packages('b') });
    expect((await dodai.ask('DELETE', `${path('gone')}?version=2`)).status).toBe(204);
    expect(await get('gone')).toMatchObject({ version: 1 });
    expect((await dodai.ask('DELETE', path('gone'))).status).toBe(204);
    expect(await dodai.refused('DELETE', path('gone'))).toMatchObject({
      status: 404,
      code: 'user-data-item-not-found',
    });
  });

  it('keeps what defaults name', async () => {
    for (const name of ['a', 'b', 'c']) await put('named', { content: packages(name) });
    const body = { vendorData: [{ item: 'named@1' }, { item: 'base' }] };
    expect((await dodai.ask('PUT', '/v1/configuration-defaults/cluster/blue', { body })).status).toBe(200);
    expect(await dodai.refused('DELETE', `${path('named')}?version=1`)).toMatchObject({
      status: 409,
      code: 'user-data-item-in-use',
      detail: expect.stringContaining('named@1 is part of the defaults of the cluster blue.'),
    });
    expect((await dodai.ask('DELETE', `${path('named')}?version=2`)).status).toBe(204);
    expect((await dodai.ask('DELETE', `${path('base')}?version=1`)).status).toBe(204);
    for (const last of [path('named'), `${path('base')}?version=2`])
      expect(await dodai.refused('DELETE', last)).toMatchObject({ code: 'user-data-item-in-use' });
    await dodai.ask('DELETE', '/v1/configuration-defaults/cluster/blue');
    expect((await dodai.ask('DELETE', path('named'))).status).toBe(204);
  });

  it('tells on the timeline who put what', async () => {
    const { body } = await dodai.ask<Page<{ message: string }>>(
      'GET',
      '/v1/events?kind=user-data-item.changed',
    );
    expect(body.items.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/put base@2 into the library of user data$/),
    );
  });
});

describe('dodai user-data-items', () => {
  const cli = async (args: string): Promise<CapturedRun> =>
    runCaptured(args.split(' '), {
      now: () => new Date(),
      sleep: async (durationMs, signal) => {
        await pause(durationMs, undefined, { signal });
      },
      env: { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token },
    });

  it('puts, lists, shows and deletes', async () => {
    const file = join(folder, 'script.sh');
    const content = '#!/bin/sh\necho {{ hostName }}\n';
    await writeFile(file, content);
    expect(await cli(`user-data-items put script ${file} --type shellscript --template`)).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await cli('user-data-items list')).stdout).toMatch(/^script +1 +text\/x-shellscript +yes +30 /m);
    expect((await cli('user-data-items show script@1 --content')).stdout).toBe(content);
    expect((await cli('user-data-items show script')).stdout).toMatch(/^Template +yes$/m);
    expect((await cli('user-data-items delete script@1')).stdout).toBe(
      'Removed script@1 from the library of user data.\n',
    );
    expect((await cli('user-data-items show script')).code).not.toBe(0);
  });

  it('says where a file is wrong', async () => {
    const file = join(folder, 'bad.yaml');
    await writeFile(file, '#cloud-config\npackages: chrony\n');
    const { code, stderr } = await cli(`user-data-items put bad ${file} --type cloud-config`);
    expect(code).not.toBe(0);
    expect(stderr).toContain('line 2, column 11, packages: must be a list, and is "chrony"');
  });
});

it('is resolved into parts that later versions do not change', async () => {
  const postgres = await startPostgres();
  const database = await Database.open(
    await postgres.database(),
    new SystemClock(),
    new SecretBox(randomBytes(32)),
  );
  try {
    const items = new UserDataItemStore(database);
    const script = {
      type: 'text/x-shellscript',
      template: true,
      mergeType: null,
      description: '',
      createdBy: 'ann',
    } as const;
    for (const content of ['#!/bin/sh\n', '#!/bin/bash\n'])
      await items.put({ ...script, name: 'script', content });
    const own: UserDataPart = {
      type: 'text/x-shellscript',
      fileName: 'own',
      content: '#!/bin/ash\n',
      template: false,
    };
    const reference = (version: number | null) => ({ item: { name: 'script', version } });
    const part = { type: 'text/x-shellscript', fileName: 'script', template: true };
    expect(await items.resolved([reference(1), own, reference(null)])).toEqual([
      { ...part, content: '#!/bin/sh\n', item: { name: 'script', version: 1 } },
      own,
      { ...part, content: '#!/bin/bash\n', item: { name: 'script', version: 2 } },
    ]);
    await expect(items.resolved([reference(3)])).rejects.toMatchObject({
      code: 'user-data-item-not-found',
      message: 'There is no part script@3 in the library of user data.',
    });
  } finally {
    await database.close();
    await postgres.stop();
  }
});
