import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contract';
import { errorCodes } from '#core';
import { statusOfCode } from '../../apps/controller/src/http/status-of-code.js';
import { RunningController } from '../support/running-controller.js';

let dodai: RunningController;
beforeAll(async () => {
  dodai = await RunningController.start();
});
afterAll(() => dodai?.end());

/** A path exactly as it is written; fetch would tidy it up. */
function rawGet(path: string): Promise<{ status: number; text: string }> {
  const { port } = new URL(dodai.url);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, headers: { authorization: `Bearer ${dodai.token}` } },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += String(chunk)));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    asked.on('error', reject).end();
  });
}

describe('the API token', () => {
  it('is in a file that only its owner reads', async () => {
    const file = join(dodai.dataDir, 'api-token');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, 'utf8')).trim()).toBe(dodai.token);
  });

  it.each(['/v1/machines', '/v1/images', '/v1/instance-types', '/v1/instances', '/v1/events'])(
    'is needed for %s',
    async (path) => {
      expect(await dodai.refused('GET', path, { token: null })).toMatchObject({
        status: 401,
        code: 'token-missing',
      });
      expect(await dodai.refused('GET', path, { token: 'wrong' })).toMatchObject({
        status: 401,
        code: 'token-invalid',
      });
    },
  );

  it('is asked for before a body is read', async () => {
    const body = 'x'.repeat(2 * 1024 * 1024);
    const problem = await dodai.refused('POST', '/v1/machines', {
      token: null,
      body,
      type: 'application/json',
    });
    expect(problem.code).toBe('token-missing');
  });

  it('is not needed for health and documentation', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'])
      expect((await dodai.ask('GET', path, { token: null })).status).toBe(200);
  });
});

describe('a request that cannot be read', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    dodai.refused('POST', '/v1/instance-types', { body, type });

  it('is told where its JSON is wrong', async () => {
    const problem = await post('{"name": "a",}');
    expect(problem).toMatchObject({
      status: 400,
      code: 'invalid-request',
      detail: expect.stringContaining('not JSON'),
    });
  });

  it('may not be empty', async () => {
    expect(await post('')).toMatchObject({
      status: 400,
      detail: expect.stringContaining('JSON body is needed'),
    });
  });

  it('may not be something else than JSON', async () => {
    expect(await post('name=a', 'application/x-www-form-urlencoded')).toMatchObject({
      status: 400,
      remedy: expect.stringContaining('application/json'),
    });
  });

  it('must be UTF-8', async () => {
    expect(await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22]))).toMatchObject({
      detail: expect.stringContaining('UTF-8'),
    });
  });

  it.each(['[]', '3', 'null', '"text"'])('must be an object, not %s', async (body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  it('is refused when its JSON is larger than 1 MiB, announced or not', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(1024 * 1024) });
    expect(await post(body)).toMatchObject({ status: 413, code: 'request-too-large' });
    const chunked = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
        if ((sent += 65_536) > 1_200_000) controller.close();
      },
    });
    let sent = 0;
    const init = {
      method: 'POST',
      body: chunked,
      duplex: 'half',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${dodai.token}` },
    };
    const answer = await fetch(`${dodai.url}/v1/instance-types`, init as RequestInit);
    expect(answer.status).toBe(413);
    expect(((await answer.json()) as Problem).context).toEqual({ limitBytes: 1024 * 1024 });
  });

  it('has each faulty field named, unknown ones too', async () => {
    const problem = await dodai.refused('POST', '/v1/instance-types', {
      body: { name: 'a b', vcpus: 0, cpu: 1, memoryMb: 1, localGb: '8' },
    });
    expect(problem.errors?.map(({ field }) => field).sort()).toEqual(['cpu', 'localGb', 'name', 'vcpus']);
  });

  it.each([
    '/v1/machines?limit=0',
    '/v1/machines?state=lost',
    '/v1/machines?colour=red',
    '/v1/events?after=x',
    '/v1/machines?limit=1&limit=2',
  ])('is refused as %s', async (path) => {
    expect(await dodai.refused('GET', path)).toMatchObject({
      status: 400,
      code: 'invalid-request',
      errors: [expect.anything()],
    });
  });
});

describe('a path', () => {
  it('that does not exist is a problem', async () => {
    expect(await dodai.refused('GET', '/v1/nodes')).toMatchObject({ status: 404, code: 'not-found' });
    expect(await dodai.refused('PUT', '/v1/machines')).toMatchObject({ status: 404, code: 'not-found' });
  });

  it.each([
    '/boot/live/../../etc/passwd',
    '/boot/live/..%2f..%2fetc%2fpasswd',
    '/boot/live/%2e%2e/%2e%2e/etc/passwd',
    '/boot/live/....//etc/passwd',
    '/boot/live//etc/passwd',
    '/boot/images/..%2f..%2fapi-token',
    '/boot/instances/..%2f..%2fapi-token/create.sh',
    '/boot/instances/0b5a2c4e-1111-4222-8333-444455556666/..%2fapi-token',
    '/docs/..%2f..%2f..%2fpackage.json',
    '/docs/../../package.json',
    '/boot/live/vmlinuz%00',
    '/%c0%ae%c0%ae/etc/passwd',
    '/v1/machines/%ff',
  ])('cannot leave its place: %s', async (path) => {
    const { status, text } = await rawGet(path);
    expect([400, 404]).toContain(status);
    expect(text).not.toMatch(/root:|dodai_|"dependencies"/);
  });

  it('longer than a request line may be is refused', async () => {
    expect((await rawGet(`/v1/machines/${'a'.repeat(100_000)}`)).status).toBe(431);
  });
});

describe('the OpenAPI document', () => {
  interface Document {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
    components: { schemas: Record<string, { properties?: Record<string, { enum?: string[] }> }> };
  }

  it('is version 3.1 and names every route', async () => {
    const { body } = await dodai.ask<Document & Record<string, unknown>>('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const routes = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes.sort()).toMatchSnapshot();
    const ids = Object.values(body.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refers only to schemas that are in it', async () => {
    const { body } = await dodai.ask<Document & Record<string, unknown>>('GET', '/openapi.json');
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(30);
    expect(
      [...new Set(references)].filter((name) => name === undefined || !(name in body.components.schemas)),
    ).toEqual([]);
    expect(JSON.stringify(body)).not.toContain('$defs');
  });

  it('has every error code, and every code has a status', async () => {
    const { body } = await dodai.ask<Document & Record<string, unknown>>('GET', '/openapi.json');
    expect(body.components.schemas.Problem?.properties?.code?.enum).toEqual(errorCodes);
    expect(Object.keys(statusOfCode).sort()).toEqual([...errorCodes].sort());
  });

  it('has a page that loads nothing from elsewhere', async () => {
    const { body } = await dodai.ask<string & Record<string, unknown>>('GET', '/docs');
    const loaded = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(loaded.filter((url) => /^https?:|^\/\//.test(url))).toEqual([]);
    for (const url of loaded.filter((each) => each.startsWith('./')))
      expect((await dodai.ask('GET', `/${url.slice(2)}`)).status).toBe(200);
  });
});

describe('what is observed', () => {
  it('says that it is ready', async () => {
    const { body } = await dodai.ask('GET', '/readyz');
    expect(body).toEqual({ status: 'ok', checks: { database: 'ok', queue: 'ok', running: 'ok' } });
  });

  it('counts machines by state and times requests by route', async () => {
    await dodai.ask('GET', '/v1/machines');
    const { body } = await dodai.ask<string & Record<string, unknown>>('GET', '/metrics');
    expect(body).toContain('dodai_machines{state="inactive"} 0');
    expect(body).toMatch(
      /dodai_http_request_seconds_count\{method="GET",route="\/v1\/machines",status="200"\} \d/,
    );
  });
});

it('is documented and served with the types there are', async () => {
  const type = { name: 'small', vcpus: 1, memoryMb: 512, localGb: 40 };
  const made = await dodai.ask('POST', '/v1/instance-types', { body: type });
  expect(made).toMatchObject({ status: 201, body: { ...type, rootSizeMib: 10_240, wipeMode: 'discard' } });
  expect(await dodai.refused('POST', '/v1/instance-types', { body: type })).toMatchObject({
    status: 409,
    code: 'instance-type-duplicate',
  });
  const patched = await dodai.ask('PATCH', '/v1/instance-types/small', { body: { swapSizeMib: 0 } });
  expect(patched).toMatchObject({ status: 200, body: { swapSizeMib: 0, rootSizeMib: 10_240 } });
  expect(await dodai.refused('PATCH', '/v1/instance-types/small', { body: {} })).toMatchObject({
    status: 400,
  });
  expect(await dodai.refused('PATCH', '/v1/instance-types/none', { body: { vcpus: 2 } })).toMatchObject({
    status: 404,
  });
  const growth = { body: { rootSizeMib: 100_000 } };
  const fault = { field: 'localGb', message: 'has 38146 MiB (40 GB), but the partitions need 110882 MiB' };
  expect((await dodai.refused('PATCH', '/v1/instance-types/small', growth)).errors).toEqual([fault]);
  const root = { use: 'root', sizeMib: 'rest', fileSystem: 'xfs' };
  const diskLayout = { raid1: true, partitions: [{ use: 'swap', sizeMib: 1024 }, root] };
  const divided = await dodai.ask('PATCH', '/v1/instance-types/small', { body: { diskLayout } });
  expect(divided).toMatchObject({ status: 200, body: { diskLayout } });
  const fixed = await dodai.ask('PATCH', '/v1/instance-types/small', { body: { diskLayout: null } });
  expect(fixed).toMatchObject({ status: 200, body: { diskLayout: null } });
  const twoRoots = { partitions: [root, root] };
  expect(
    (await dodai.refused('PATCH', '/v1/instance-types/small', { body: { diskLayout: twoRoots } })).errors,
  ).toMatchObject([
    { field: 'diskLayout.partitions.1.use' },
    { field: 'diskLayout.partitions.0.sizeMib' },
    { field: 'diskLayout.partitions.1.name' },
  ]);
  const tooSmall = await dodai.refused('POST', '/v1/instance-types', {
    body: { ...type, name: 'tiny', localGb: 8 },
  });
  expect(tooSmall.errors?.map(({ field }) => field)).toEqual(['localGb']);
  expect((await dodai.ask('GET', '/v1/instance-types')).body.items).toHaveLength(1);
  expect((await dodai.ask('DELETE', '/v1/instance-types/small')).status).toBe(204);
  expect(await dodai.refused('GET', '/v1/instance-types/small')).toMatchObject({
    code: 'instance-type-not-found',
  });
});
