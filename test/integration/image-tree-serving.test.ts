import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageView } from '#contract';
import { freePort, Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { iso, ubuntuIso } from '../support/boot-media.js';
import { sha256 } from '../support/image-sources.js';
import { ImageBench } from '../support/image-tree.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { tftpGet } from '../support/tftp-client.js';

const squashfs = ubuntuIso['casper/filesystem.squashfs'];

describe('the files in an image', () => {
  let bench: ImageBench;
  let dodai: RunningController;
  let image: ImageView;
  let tree: string;

  beforeAll(async () => {
    bench = await ImageBench.make();
    const driver = new FakePowerDriver();
    const bmc = { host: '127.0.0.1', port: 1, user: 'admin', cipherSuite: 3 as const };
    driver.add({ ...bmc, password: new Secret('secret') });
    dodai = await RunningController.start({ DODAI_METADATA_PORT: String(await freePort()) }, { driver });
    await dodai.ask('POST', '/v1/instance-types', {
      body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 },
    });
    // Whatever comes from the address of this test comes from this machine.
    const machine = machineNumber(1, { pxeIp: '127.0.0.1', bmcPort: 1 });
    await dodai.ask('POST', '/v1/machines?wait=verified', { body: machine });
    image = await imported('ubuntu');
    tree = `/boot/images/${image.id}/tree`;
  });
  afterAll(async () => {
    await dodai?.end();
    await bench?.remove();
  });

  async function imported(name: string): Promise<ImageView> {
    const body = await readFile(await iso(bench, await bench.plainTree({ ...ubuntuIso, 'a b/c+%': 'odd' })));
    const ask = { body, type: 'application/octet-stream' };
    return (await dodai.ask<ImageView>('POST', `/v1/images?name=${name}&sha256=${sha256(body)}`, ask)).body;
  }

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    dodai.fetch(method, `${tree}/${path}`, { token: null, headers });
  const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
  const kinds = async () =>
    (await readdir(join(dodai.dataDir, 'images'))).map((name) => name.split('.')[1]).sort();
  const tftp = (path: string) =>
    tftpGet(path, { host: '127.0.0.1', port: dodai.controller.listeners.tftpPort ?? 0 });

  it('are told of with the image', () => {
    expect(image.description?.bootFiles?.[0]).toEqual({ kernel: 'casper/vmlinuz', initrd: 'casper/initrd' });
    expect(image.findings.map(({ result }) => result)).toEqual(['ok', 'ok']);
  });

  it('come over HTTP without a token, also when several ask for them first', async () => {
    expect(await kinds()).toEqual(['chunks', 'zst']);
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => bytesOf(await get('casper/filesystem.squashfs'))),
    );
    for (const answer of answers) expect(answer.equals(squashfs)).toBe(true);
    expect(await kinds()).toEqual(['chunks', 'tree', 'zst']);
  });

  it('come by ranges, and are measured by HEAD', async () => {
    const part = await get('casper/filesystem.squashfs', { range: 'bytes=1000000-1000009' });
    expect(part.status).toBe(206);
    expect((await bytesOf(part)).equals(squashfs.subarray(1_000_000, 1_000_010))).toBe(true);
    const head = await get('casper/initrd', {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '6']);
    expect((await get('casper/initrd', { range: 'bytes=6-' })).status).toBe(416);
  });

  it('come by any name, and through links that stay in the image', async () => {
    expect(await (await get('a%20b/c%2B%25')).text()).toBe('odd');
    expect(await (await get('ubuntu/casper/initrd')).text()).toBe('initrd');
  });

  it('come over TFTP', async () => {
    expect((await tftp(`${tree}/casper/vmlinuz`)).bytes.equals(ubuntuIso['casper/vmlinuz'])).toBe(true);
    await expect(tftp(`${tree}/casper/vmlinux`)).rejects.toThrow('has no file casper/vmlinux');
    await expect(tftp(`/boot/images/${randomUUID()}/tree/x`)).rejects.toThrow('There is no image');
  });

  it('are on the timeline of the machine', async () => {
    const path = `${tree}/boot/grub/grub.cfg`;
    await get('boot/grub/grub.cfg');
    const { found } = await dodai.untilEvent(
      '/v1/machines/m1/events',
      ({ kind, data }) => kind === 'http.completed' && data.path === path,
    );
    expect(found).toMatchObject({ message: `fetched ${path}`, data: { bytes: 4, status: 200 } });
  });

  it.each(['casper', 'casper/', 'casper/vmlinux', '..%2f..%2f..%2fapi-token', '%2e%2e/x'])(
    'are what there is, and not %s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it('that there are not are told with those that there are', async () => {
    const problem = await dodai.refused('GET', `${tree}/casper/linux`, { token: null });
    expect(problem).toMatchObject({
      status: 404,
      code: 'not-found',
      detail: expect.stringContaining('its folder /casper has filesystem.squashfs, hwe-initrd,'),
      remedy: expect.stringContaining('casper/vmlinuz with casper/initrd'),
    });
    await dodai.untilEvent(
      '/v1/machines/m1/events',
      ({ kind, message }) => kind === 'http.refused' && message.includes('has no file casper/linux'),
    );
  });

  it('go with the image', async () => {
    expect((await dodai.ask('DELETE', `/v1/images/${image.id}`)).status).toBe(204);
    expect(await kinds()).toEqual([]);
    expect((await get('casper/initrd')).status).toBe(404);
  });

  it('are unpacked when a machine is to start from them, before it asks', async () => {
    const { id } = await imported('memory');
    const install = { method: 'live', kernel: 'casper/vmlinuz', initrd: 'casper/initrd' };
    const said = await dodai.ask<ImageView>('PATCH', `/v1/images/${id}`, { body: { install } });
    await rm(join(dodai.dataDir, 'images', `${said.body.sha256}.tree`), { recursive: true });
    const wish = { hostName: 'memory1', image: 'memory', instanceType: 'standard' };
    expect(await dodai.ask('POST', '/v1/instances', { body: wish })).toMatchObject({ status: 202 });
    await expect.poll(kinds).toEqual(['chunks', 'tree', 'zst']);
  });
});
