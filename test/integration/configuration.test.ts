import type { ConfigurationDefaultsView, InstanceView, Page } from '#contract';
import { Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

const ops = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8f1m1i2jTo0hKfDx1Vb4ueqkY3AvRkcXcvtQ1PkJCi ops@desk';
const owner = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAf1m1i2jTo0hKfDx1Vb4ueqkY3AvRkcXcvtQ1PkJCi owner';
const machines = 9;
const service = (n: number) => `52:54:00:99:00:0${n}`;

const driver = new FakePowerDriver();
let dodai: RunningController;

beforeAll(async () => {
  dodai = await RunningController.start({}, { driver });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const { data, sha256 } = await makeSmallImage(8);
  await dodai.ask('POST', `/v1/images?name=small&sha256=${sha256}`, {
    body: data,
    type: 'application/octet-stream',
  });
  for (let n = 1; n <= machines; n += 1) {
    const body = machineNumber(n, { serviceMac1: service(n) });
    driver.add({
      host: '127.0.0.1',
      port: 10_000 + n,
      user: 'admin',
      password: new Secret('secret'),
      cipherSuite: 3,
    });
    expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
  }
});
afterAll(() => dodai?.end());

const wish = (over: object = {}) => ({ hostName: 'db1', image: 'small', instanceType: 'standard', ...over });
const spawn = async (over: object = {}) => {
  const { status, body } = await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish(over) });
  expect(body, JSON.stringify(body)).toMatchObject({ state: 'building' });
  expect(status).toBe(202);
  return body;
};
const giveUp = async ({ id }: InstanceView) =>
  expect((await dodai.ask('DELETE', `/v1/instances/${id}?force=true`)).status).toBe(202);
const put = (place: string, body: object) =>
  dodai.ask<ConfigurationDefaultsView>('PUT', `/v1/configuration-defaults/${place}`, { body });
const address = (text: string, more: object = {}) => ({
  network: {
    links: [{ id: 'service', type: 'phy', nic: 'service1' }],
    addresses: [{ type: 'static', link: 'service', address: text, ...more }],
  },
});

describe('the configuration of an instance', () => {
  it('is put together from its cluster, type, machine and spawn, and says what is from where', async () => {
    await put('cluster/blue', {
      sshKeys: [ops],
      metadata: { site: 'north', row: '1' },
      password: 'of the cluster',
    });
    await put('type/standard', { metadata: { row: '2' }, files: [{ path: '/etc/motd', content: 'hello' }] });
    await put('machine/m1', { metadata: { row: '3' }, ...address('10.50.0.11/24') });
    const instance = await spawn({
      machine: 'm1',
      cluster: 'blue',
      sshKeys: [owner],
      metadata: { role: 'db' },
    });
    expect(instance.configuration).toMatchObject({
      sshKeys: [ops, owner],
      hasPassword: true,
      metadata: { site: 'north', row: '3', role: 'db' },
      files: [{ path: '/etc/motd', mode: '0644', bytes: 5 }],
      network: { addresses: [{ address: '10.50.0.11/24' }] },
      configDrive: true,
      sources: {
        'sshKeys.0': 'cluster',
        'sshKeys.1': 'spawn',
        passwordHash: 'cluster',
        'metadata.row': 'machine',
        'metadata.role': 'spawn',
        'files./etc/motd': 'type',
        network: 'machine',
      },
    });
    await giveUp(instance);
  });

  it('outlives its defaults, which outlive it', async () => {
    const before = await spawn({ machine: 'm2', cluster: 'blue' });
    expect((await dodai.ask('DELETE', '/v1/configuration-defaults/cluster/blue')).status).toBe(204);
    const after = await dodai.ask<InstanceView>('GET', `/v1/instances/${before.id}`);
    expect(after.body.configuration).toEqual(before.configuration);
    await giveUp(before);
    const all = await dodai.ask<Page<ConfigurationDefaultsView>>('GET', '/v1/configuration-defaults');
    expect(all.body.items.map(({ scope }) => scope)).toEqual(['type', 'machine']);
  });

  it('is never read back with its secrets', async () => {
    const secret = 'open sesame';
    const given = {
      password: secret,
      userData: `#!/bin/sh\n# ${secret}\n`,
      files: [{ path: '/k', content: secret }],
    };
    const shown = await put('cluster/green', given);
    const instance = await spawn({ machine: 'm3', cluster: 'green', ...given });
    const text = JSON.stringify([
      shown.body,
      instance,
      (await dodai.ask('GET', `/v1/instances/${instance.id}/events`)).body,
    ]);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString('base64'));
    expect(text).not.toContain('$6$');
    expect(instance.configuration.userData).toMatchObject({ bytes: given.userData.length });
    await giveUp(instance);
  });

  it('takes nothing over where that is not wanted', async () => {
    const instance = await spawn({ machine: 'm4', cluster: 'green', defaults: false });
    expect(instance.configuration).toMatchObject({ hasPassword: false, files: [], sources: {} });
    await giveUp(instance);
  });
});

describe('the documents of an instance', () => {
  const given = {
    ...address('10.50.0.21/24', { gateway: '10.50.0.1' }),
    sshKeys: [owner],
    password: 'open sesame',
    metadata: { role: 'db' },
    files: [{ path: '/etc/key', content: 'open sesame' }],
    userData: {
      parts: [{ type: 'text/x-shellscript', content: '#!/bin/sh\necho {{ hostName }}\n', template: true }],
    },
  };
  type Shown = { documents: { path: string; content: string }[] };
  const contentAt = ({ documents }: Shown, path: string) =>
    documents.find((each) => each.path === path)?.content ?? '';

  it('are shown before there is one as they are shown then, and without its secrets', async () => {
    const wanted = wish({ machine: 'm5', cluster: 'red', ...given });
    const before = await dodai.ask<Shown>('POST', '/v1/instances/documents', { body: wanted });
    expect(before.status).toBe(200);
    const instance = await spawn(wanted);
    const after = await dodai.ask<Shown>('GET', `/v1/instances/${instance.id}/documents`);
    expect(after.body.documents.map(({ path }) => path)).toEqual(
      before.body.documents.map(({ path }) => path),
    );
    for (const shown of [before.body, after.body]) {
      const drive = 'config-drive/openstack/latest';
      expect(JSON.parse(contentAt(shown, `${drive}/meta_data.json`))).toMatchObject({
        hostname: 'db1',
        meta: { role: 'db' },
      });
      expect(contentAt(shown, `${drive}/user_data`)).toContain('echo db1');
      expect(contentAt(shown, `${drive}/network_data.json`)).toContain('10.50.0.21');
      expect(contentAt(shown, 'metadata/latest/meta-data/local-ipv4')).toBe('10.50.0.21');
      expect(JSON.stringify(shown)).not.toMatch(/open sesame|\$6\$/);
    }
    await giveUp(instance);
    expect(await dodai.refused('GET', `/v1/instances/${instance.id}/documents`)).toMatchObject({
      status: 404,
    });
  });
});

describe('what is more than a config drive holds', () => {
  it('is refused with the field that is the largest', async () => {
    const base64 = Buffer.alloc(34 * 1024 * 1024).toString('base64');
    const files = ['/a', '/b'].map((path) => ({ path, base64 }));
    const body = wish({ machine: 'm9', cluster: 'red', files });
    expect(await dodai.refused('POST', '/v1/instances', { body })).toMatchObject({
      status: 400,
      detail: expect.stringContaining('it may have 64 MiB'),
      context: { field: expect.stringMatching(/^files\.\d$/) },
    });
    expect((await dodai.ask('GET', '/v1/machines/m9')).body.state).toBe('inactive');
  });
});

describe('a static address', () => {
  it("is one instance's until that is gone", async () => {
    const holder = await spawn({ machine: 'm6', cluster: 'red', ...address('10.50.0.30/24') });
    const again = wish({ machine: 'm7', cluster: 'red', ...address('10.50.0.30/24') });
    expect(await dodai.refused('POST', '/v1/instances', { body: again })).toMatchObject({
      status: 409,
      code: 'address-in-use',
      detail: expect.stringContaining(holder.id),
    });
    expect((await dodai.ask('GET', '/v1/machines/m7')).body.state).toBe('inactive');
    await giveUp(holder);
    await giveUp(await spawn(again));
  });

  it('is not that of another machine of the inventory', async () => {
    const taken = wish({ machine: 'm8', cluster: 'red', ...address('10.99.0.2/24') });
    expect(await dodai.refused('POST', '/v1/instances', { body: taken })).toMatchObject({
      code: 'address-in-use',
      detail: expect.stringContaining('the machine m1'),
    });
  });
});

describe('what a machine cannot have is refused, and the machine is left', () => {
  it.each([
    [
      'network.links.0.nic',
      { links: [{ id: 'a', type: 'phy', nic: 'storage' }] },
      'm9 does not have a card storage',
    ],
    [
      'network.links.0.mac',
      { links: [{ id: 'a', type: 'phy', mac: '52:54:00:99:00:77' }] },
      'it has pxe 52:54',
    ],
  ])('%s', async (field, network, detail) => {
    const body = wish({ machine: 'm9', cluster: 'red', network });
    expect(await dodai.refused('POST', '/v1/instances', { body })).toMatchObject({
      status: 400,
      detail: expect.stringContaining(`${field}: `),
    });
    expect((await dodai.refused('POST', '/v1/instances', { body })).detail).toContain(detail);
    expect((await dodai.ask('GET', '/v1/machines/m9')).body.state).toBe('inactive');
  });
});

describe('defaults', () => {
  it.each([
    ['type/none', 404, 'instance-type-not-found'],
    ['machine/none', 404, 'machine-not-found'],
    ['rack/none', 400, 'invalid-request'],
    ['cluster/a b', 400, 'invalid-request'],
  ])('of %s are refused with %i %s', async (place, status, code) => {
    expect(await dodai.refused('PUT', `/v1/configuration-defaults/${place}`, { body: {} })).toMatchObject({
      status,
      code,
    });
  });

  it('are refused as a spawn is, with the field', async () => {
    expect(
      await dodai.refused('PUT', '/v1/configuration-defaults/cluster/x', { body: { sshKeys: ['x'] } }),
    ).toMatchObject({
      status: 400,
      errors: [{ field: 'sshKeys.0' }],
    });
  });

  it('that are not there are not found', async () => {
    for (const method of ['GET', 'DELETE'])
      expect(await dodai.refused(method, '/v1/configuration-defaults/cluster/none')).toMatchObject({
        status: 404,
      });
  });
});
