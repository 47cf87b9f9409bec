import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView, ImageView } from '#contract';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

describe('images that nginx sends', () => {
  let dodai: RunningController;
  let port: number;
  let image: ImageView;
  let path: string;
  let stored: Buffer;

  beforeAll(async () => {
    port = await freePort();
    dodai = await RunningController.start({ DODAI_NGINX_PORT: String(port) });
    // Whatever comes from the address of this test comes from this machine.
    await dodai.ask('POST', '/v1/instance-types', {
      body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 },
    });
    await dodai.ask('POST', '/v1/machines', { body: machineNumber(1, { pxeIp: '127.0.0.1', bmcPort: 1 }) });
    const { data, sha256 } = await makeSmallImage(64, 24);
    const ask = { body: data, type: 'application/octet-stream' };
    image = (await dodai.ask<ImageView>('POST', `/v1/images?name=large&sha256=${sha256}`, ask)).body;
    path = `/boot/images/${image.id}`;
    stored = await readFile(join(dodai.dataDir, 'images', `${image.sha256}.zst`));
  });
  afterAll(() => dodai?.end());

  const fetched = async (headers: Record<string, string> = {}, asked = path) => {
    const answer = await dodai.fetch('GET', asked, { token: null, headers });
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const told = async (isMeant: (event: EventView) => boolean) =>
    (await dodai.untilEvent('/v1/machines/m1/events', isMeant)).found;

  it('are named by the controller, and come whole', async () => {
    const { answer, bytes } = await fetched();
    expect(answer.url).toBe(`http://127.0.0.1:${port}${path}/${image.sha256}`);
    expect(bytes.equals(stored)).toBe(true);
  });

  it('come from where a broken connection left off', async () => {
    const { answer, bytes } = await fetched({ range: 'bytes=1000-' });
    expect(answer.status).toBe(206);
    expect(bytes.equals(stored.subarray(1000))).toBe(true);
  });

  it('are on the timeline of the machine, as what was really sent', async () => {
    await fetched({ range: 'bytes=5-14' });
    const ended = await told(({ kind, data }) => kind === 'http.completed' && data.bytes === 10);
    expect(ended).toMatchObject({
      message: `fetched ${path}`,
      data: { path, method: 'GET', status: 206, client: '127.0.0.1', durationMs: expect.any(Number) },
    });
  });

  it('are on the timeline when the machine went away, too', async () => {
    const { url } = (await fetched()).answer;
    const response = await new Promise<IncomingMessage>((resolve) => get(url, resolve));
    response.destroy();
    const { data, message } = await told(({ kind }) => kind === 'http.aborted');
    expect(data.bytes).toBeLessThan(stored.length);
    expect(message).toBe(`broke off fetching ${path} after ${String(data.bytes)} bytes`);
  });

  it('are the only thing that nginx has', async () => {
    const at = (file: string) => fetch(`http://127.0.0.1:${port}${file}`).then(({ status }) => status);
    expect(await at(`${path}/${image.sha256}`)).toBe(200);
    expect(await at('/secret-key')).toBe(404);
    expect(await at(`/images/${image.sha256}.zst`)).toBe(404);
    expect(await at(`${path}/${'0'.repeat(64)}`)).toBe(404);
    expect(await at(`${path}/..%2f..%2fsecret-key`)).toBe(404);
  });

  it('come from the controller behind a proxy, where the port of nginx may be out of reach', async () => {
    const { answer, bytes } = await fetched({ 'x-forwarded-for': '10.0.0.9' });
    expect(answer.url).toBe(dodai.url + path);
    expect(bytes.equals(stored)).toBe(true);
  });
});

it('a port of nginx that is taken is said at the start, with what to set', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address() as { port: number };
  const dataDir = await mkdtemp(join(tmpdir(), 'dodai-controller-'));
  try {
    await expect(
      RunningController.start({ DODAI_DATA_DIR: dataDir, DODAI_NGINX_PORT: String(address.port) }),
    ).rejects.toMatchObject({
      code: 'port-not-bound',
      message: expect.stringContaining(`port ${address.port}`),
      remedy: expect.stringContaining('DODAI_NGINX_PORT'),
    });
  } finally {
    taken.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
