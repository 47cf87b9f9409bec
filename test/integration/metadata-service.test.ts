import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { EventView, InstanceView } from '#contract';
import { freePort, Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { MetadataGuest } from '../support/metadata-guest.js';
import { PlayedMachine } from '../support/played-machine.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIAVG61J4FmEt0fZ1zMATC1+4SKWZno+Zp5WF59cYpqG owner@desk';
const secret = 'what the proxy and the controller share';
const proxyAddress = '127.0.90.1';

let dodai: RunningController;
let port: number;
const driver = new FakePowerDriver();

beforeAll(async () => {
  port = await freePort();
  dodai = await RunningController.start(
    {
      DODAI_METADATA_PORT: String(port),
      DODAI_METADATA_NAMESPACE: 'acme',
      DODAI_METADATA_SHARED_SECRET: secret,
      DODAI_METADATA_TRUSTED_PROXIES: '127.0.90.0/24',
      DODAI_LOG_LEVEL: 'silent',
    },
    { driver },
  );
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const { data, sha256 } = await makeSmallImage(8);
  const path = `/v1/images?name=small&sha256=${sha256}`;
  expect((await dodai.ask('POST', path, { body: data, type: 'application/octet-stream' })).status).toBe(201);
});
afterAll(() => dodai?.end());

let machines = 0;

/** A machine of its own for each test, at 127.0.<n>.1. */
async function machine(over: Record<string, unknown> = {}): Promise<{ name: string; address: string }> {
  const number = (machines += 1);
  const address = `127.0.${number}.1`;
  const body = machineNumber(number, { pxeIp: address, ...over });
  const bmc = { host: '127.0.0.1', port: 10_000 + number, user: 'admin', cipherSuite: 3 as const };
  driver.add({ ...bmc, password: new Secret('secret') });
  expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
  return { name: `m${number}`, address };
}

async function spawn(on: string, over: Record<string, unknown> = {}): Promise<InstanceView> {
  const body = {
    hostName: `host-${on}`,
    image: 'small',
    instanceType: 'standard',
    machine: on,
    sshKeys: [key],
    ...over,
  };
  const { status, body: made } = await dodai.ask<InstanceView>('POST', '/v1/instances', { body });
  expect({ status, made }).toMatchObject({ status: 202 });
  return made;
}

const guest = (address: string) => new MetadataGuest(port, address);

/** A machine, and an instance on it that is being installed: its documents are there from the first moment. */
async function occupied(
  over: Record<string, unknown> = {},
): Promise<{ name: string; own: MetadataGuest; id: string }> {
  const { name, address } = await machine();
  return { name, own: guest(address), id: (await spawn(name, over)).id };
}
const signed = (id: string, signature = createHmac('sha256', secret).update(id).digest('hex')) => ({
  headers: { 'X-Instance-ID': id, 'X-Instance-ID-Signature': signature },
});

const played = new PlayedMachine(() => dodai);

describe('what an instance reads', () => {
  let own: MetadataGuest;
  let id: string;
  beforeAll(async () => {
    ({ own, id } = await occupied({ userData: '#!/bin/sh\nexit 0\n' }));
  });

  it('is listed at the top by EC2’s versions alone', async () => {
    const versions = (await own.read('/')).split('\n');
    expect(versions).toContain('2009-04-04');
    expect(versions.at(-1)).toBe('latest');
    expect(versions.filter((version) => !/^(1\.0|latest|\d{4}-\d\d-\d\d)$/.test(version))).toEqual([]);
  });

  it.each(['2009-04-04', 'latest'])('is in EC2’s form at /%s', async (version) => {
    expect((await own.read(`/${version}/`)).split('\n')).toEqual(['meta-data/', 'user-data']);
    const names = (await own.read(`/${version}/meta-data/`)).split('\n');
    expect(names).toEqual(
      expect.arrayContaining(['instance-id', 'local-ipv4', 'placement/', 'public-keys/']),
    );
    expect(await own.read(`/${version}/meta-data/local-ipv4`)).toBe(own.address);
    expect(await own.read(`/${version}/meta-data/public-keys/`)).toMatch(/^0=\S+$/);
    expect(await own.read(`/${version}/meta-data/public-keys/0/`)).toBe('openssh-key');
    expect((await own.read(`/${version}/meta-data/public-keys/0/openssh-key`)).trim()).toBe(key);
    expect(await own.read(`/${version}/user-data`)).toBe('#!/bin/sh\nexit 0\n');
  });

  it('is in OpenStack’s form, each version with what it has', async () => {
    const versions = (await own.read('/openstack')).split('\n');
    expect(versions).toEqual(expect.arrayContaining(['2012-08-10', '2013-04-04', '2018-08-27', 'latest']));
    const names = async (version: string) => (await own.read(`/openstack/${version}/`)).split('\n');
    expect(await names('2012-08-10')).toEqual(['meta_data.json', 'user_data']);
    expect(await names('latest')).toEqual([
      ...[
        'meta_data.json',
        'network_data.json',
        'password',
        'user_data',
        'vendor_data.json',
        'vendor_data2.json',
      ],
    ]);
    for (const version of versions)
      expect(JSON.parse(await own.read(`/openstack/${version}/meta_data.json`))).toMatchObject({ uuid: id });
  });

  it('is in NoCloud’s form', async () => {
    expect(parse(await own.read('/nocloud/meta-data'))).toMatchObject({ 'instance-id': id });
    expect(await own.read('/nocloud/user-data')).toBe('#!/bin/sh\nexit 0\n');
    expect(await own.status('/nocloud/vendor-data')).toBe(200);
    expect(parse(await own.read('/nocloud/network-config'))).toMatchObject({ version: 2 });
  });

  it('is in the form of one’s own, under the name that was chosen', async () => {
    expect(JSON.parse(await own.read('/acme/latest/meta_data.json'))).toMatchObject({ 'instance-id': id });
    expect(await own.read('/acme/1.0/meta_data/local-ipv4')).toBe(own.address);
    expect(await own.status('/dodai/latest/meta_data.json')).toBe(404);
  });

  it.each([
    ['/latest/meta-data/hostname', 'text/plain'],
    ['/openstack/latest/meta_data.json', 'application/json'],
    ['/latest/user-data', 'application/octet-stream'],
    ['/nocloud/meta-data', 'application/yaml'],
    ['/openstack', 'text/plain'],
  ])('%s is %s, and nobody is to keep it', async (path, type) => {
    const { headers, text } = await own.ask(path);
    expect(headers).toMatchObject({ 'content-type': type, 'cache-control': 'no-store' });
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
    expect(headers).not.toHaveProperty('etag');
    const head = await own.ask(path, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect({ ...head.headers, date: '' }).toEqual({ ...headers, date: '' });
  });

  it.each(['//latest//meta-data/hostname', '/latest/meta-data/hostname?a=b', '/latest/meta%2Ddata/hostname'])(
    'is found at %s too',
    async (path) => expect(await own.read(path)).toBe(await own.read('/latest/meta-data/hostname')),
  );

  it.each([
    ...['/latest/meta-data/nothing', '/2009-04-05', '/openstack/2012-08-10/network_data.json', '/%', '/%zz'],
    ...['/latest/meta-data/../../openstack', '/openstack/latest/meta_data', '/.', '*', '/latest/api/token'],
  ])('is not at %s', async (path) => {
    expect(await own.ask(path)).toMatchObject({ status: 404, text: '' });
  });

  it('has no password, and none is taken', async () => {
    expect(await own.read('/openstack/latest/password')).toBe('');
    const posted = await own.ask('/openstack/latest/password', { method: 'POST', body: 'x' });
    expect(posted).toMatchObject({ status: 405, text: '', headers: { allow: 'GET, HEAD' } });
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('is only read: %s is refused', async (method) => {
    expect(await own.ask('/latest/user-data', { method })).toMatchObject({ status: 405, text: '' });
  });
});

describe('the listener', () => {
  it('has nothing but metadata', async () => {
    const { own } = await occupied();
    for (const path of [
      '/v1/machines',
      '/healthz',
      '/readyz',
      '/metrics',
      '/docs',
      '/ui/',
      '/boot/live/vmlinuz',
    ])
      expect(await own.status(path)).toBe(404);
  });

  it('is the only one that has metadata', async () => {
    const { name } = await machine({ pxeIp: '127.0.0.1' });
    await spawn(name);
    expect(await guest('127.0.0.1').status('/openstack')).toBe(200);
    for (const path of [
      '/latest/meta-data/',
      '/openstack',
      '/nocloud/meta-data',
      '/acme/latest/meta_data.json',
    ])
      expect((await dodai.ask('GET', path, { token: null })).status).toBe(404);
  });

  it('is asked whether it answers, and its times are measured', async () => {
    expect(await dodai.ask('GET', '/readyz', { token: null })).toMatchObject({
      status: 200,
      body: { checks: { 'metadata service': 'ok', database: 'ok', queue: 'ok' } },
    });
    const { own } = await occupied();
    await own.read('/openstack/latest/meta_data.json');
    const { body } = await dodai.ask<string & Record<string, unknown>>('GET', '/metrics', { token: null });
    expect(body).toMatch(/^dodai_metadata_request_seconds_count\{style="OpenStack",status="200"\} [1-9]/m);
    expect(body).toMatch(/^dodai_metadata_request_seconds_count\{style="none",status="404"\} [1-9]/m);
  });

  it('says which port it wanted and could not have, and is closed with the controller', async () => {
    const taken = { DODAI_METADATA_PORT: String(port), DODAI_METADATA_HOST: '127.0.0.1' };
    await expect(RunningController.start(taken)).rejects.toMatchObject({ code: 'port-not-bound' });
    const own = await freePort();
    const another = await RunningController.start({ DODAI_METADATA_PORT: String(own) });
    expect(another.controller.listeners.metadataPort).toBe(own);
    expect(await new MetadataGuest(own, '127.0.0.1').status('/')).toBe(404);
    await another.end();
    await expect(new MetadataGuest(own, '127.0.0.1').status('/')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('who is asking', () => {
  const hostName = '/latest/meta-data/hostname';

  it('is told by each address that the inventory has for the machine', async () => {
    const { name } = await machine({ storageIp: '127.1.1.1', serviceIp: '127.1.1.2' });
    await spawn(name);
    for (const address of ['127.1.1.1', '127.1.1.2'])
      expect(await guest(address).read(hostName)).toBe(`host-${name}`);
  });

  it('is a stranger elsewhere, who is told nothing: not even what there is', async () => {
    const { own } = await occupied();
    const { date: _date, ...missing } = (await own.ask('/latest/nothing')).headers;
    for (const path of ['/', '/openstack', hostName, '/latest/nothing', '/latest/user-data']) {
      const { status, text, headers } = await guest('127.250.0.1').ask(path);
      const { date: _now, ...shown } = headers;
      expect({ status, text, shown }).toEqual({ status: 404, text: '', shown: missing });
    }
  });

  it('is a stranger on a machine without an instance', async () => {
    const { address } = await machine();
    expect(await guest(address).status('/')).toBe(404);
  });

  it('is nobody at an address that two machines have', async () => {
    const { name: one } = await machine({ storageIp: '127.1.2.1' });
    const { name: other } = await machine({ serviceIp: '127.1.2.1' });
    await spawn(one);
    expect(await guest('127.1.2.1').read(hostName)).toBe(`host-${one}`);
    await spawn(other);
    expect(await guest('127.1.2.1').ask(hostName)).toMatchObject({ status: 404, text: '' });
  });

  it('is the new instance of a machine from the first moment, and the former one is a stranger at once', async () => {
    const { name, own, id } = await occupied();
    expect(await own.read(hostName)).toBe(`host-${name}`);
    await played.install(id);
    expect(await own.read('/latest/meta-data/instance-id')).toBe(id);
    expect((await dodai.ask('DELETE', `/v1/instances/${id}`)).status).toBe(202);
    expect(await own.status(hostName)).toBe(404);
    expect(await guest('127.250.0.1').status(hostName, signed(id))).toBe(404);
    await played.wipe(id);
    expect(await own.status(hostName)).toBe(404);
    const next = await spawn(name, { hostName: 'another' });
    expect(await own.read(hostName)).toBe('another');
    expect(await own.read('/latest/meta-data/instance-id')).toBe(next.id);
  });

  it('reads what a change of the inventory makes of its documents', async () => {
    const { name, own, id } = await occupied();
    await played.install(id);
    expect((await dodai.ask('GET', `/v1/instances/${id}?wait=installed&timeout=20`)).status).toBe(200);
    await own.read('/latest/meta-data/local-ipv4');
    expect((await dodai.ask('PATCH', `/v1/machines/${name}`, { body: { pxeIp: '127.1.3.1' } })).status).toBe(
      200,
    );
    expect(await own.status(hostName)).toBe(404);
    expect(await guest('127.1.3.1').read('/latest/meta-data/local-ipv4')).toBe('127.1.3.1');
  });
});

describe('a proxy', () => {
  let own: MetadataGuest;
  let id: string;
  const path = '/openstack/latest/meta_data.json';
  beforeAll(async () => {
    ({ own, id } = await occupied());
  });

  it('signs for the instance that asks', async () => {
    const { status, text } = await guest('127.250.0.2').ask(path, signed(id));
    expect({ status, uuid: JSON.parse(text).uuid as unknown }).toEqual({ status: 200, uuid: id });
  });

  it('that signs wrongly is refused, also where the address is known', async () => {
    const wrong = [
      signed(id, ''),
      signed(id, 'f'.repeat(64)),
      signed(randomUUID(), signed(id).headers['X-Instance-ID-Signature']),
    ];
    const none = { headers: { 'X-Instance-ID': id } };
    for (const ask of [...wrong, none])
      for (const from of [own, guest('127.250.0.2'), guest(proxyAddress)])
        expect(await from.ask(path, ask)).toMatchObject({ status: 403, text: '' });
  });

  it.each(['', 'nothing', "'; --", randomUUID()])(
    'that signs for the instance "%s" is told nothing',
    async (nobody) => {
      expect(await own.ask(path, signed(nobody))).toMatchObject({ status: 404, text: '' });
    },
  );

  it('is believed when it says whose request it passes on, and others are not', async () => {
    const passedOn = { headers: { 'X-Forwarded-For': `10.1.1.1, ${own.address}` } };
    const { text } = await guest(proxyAddress).ask(path, passedOn);
    expect(JSON.parse(text)).toMatchObject({ uuid: id });
    expect(await guest('127.250.0.2').status(path, passedOn)).toBe(404);
    expect(await guest(proxyAddress).status(path, { headers: { 'X-Forwarded-For': 'nonsense' } })).toBe(404);
  });
});

describe('EC2’s session tokens', () => {
  const ask = (from: MetadataGuest, headers: Record<string, string>) =>
    from.ask('/latest/api/token', { method: 'PUT', headers });
  const ttl = 'x-aws-ec2-metadata-token-ttl-seconds';
  const showing = (token: string) => ({ headers: { 'X-aws-ec2-metadata-token': token } });

  it('are given, and taken from the instance that they were given to', async () => {
    const { own } = await occupied();
    const { own: other } = await occupied();
    const given = await ask(own, { [ttl]: '21600' });
    expect(given).toMatchObject({ status: 200, headers: { [ttl]: '21600', 'content-type': 'text/plain' } });
    expect(await own.status('/latest/meta-data/', showing(given.text))).toBe(200);
    expect(await other.ask('/latest/meta-data/', showing(given.text))).toMatchObject({
      status: 401,
      text: '',
    });
    expect(await own.ask('/latest/meta-data/', showing('x'))).toMatchObject({ status: 401, text: '' });
  });

  it('are not given for a time that is none, to strangers, nor to what somebody passes on', async () => {
    const { own } = await occupied();
    for (const wrong of [{}, { [ttl]: '0' }, { [ttl]: '21601' }, { [ttl]: 'long' }])
      expect(await ask(own, wrong as Record<string, string>)).toMatchObject({ status: 400, text: '' });
    expect(await ask(guest('127.250.0.3'), { [ttl]: '60' })).toMatchObject({ status: 404, text: '' });
    const passedOn = { [ttl]: '60', 'X-Forwarded-For': own.address };
    expect(await ask(own, passedOn)).toMatchObject({ status: 403, text: '' });
    expect(await ask(guest(proxyAddress), passedOn)).toMatchObject({ status: 200 });
  });
});

describe('a caller who asks too often', () => {
  it('is told when to ask again, and nobody else suffers from it', async () => {
    const [{ own }, { own: other }] = [await occupied(), await occupied()];
    const answers = await Promise.all(
      Array.from({ length: 800 }, () => own.ask('/latest/meta-data/hostname')),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(800);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({
      text: '',
      headers: { 'retry-after': expect.stringMatching(/^[1-9]\d?$/) },
    });
    expect(await other.status('/latest/meta-data/hostname')).toBe(200);
  });
});

describe('the timeline', () => {
  it('tells the first request for each kind of document, in each stage', async () => {
    const { own, id } = await occupied();
    const isFetch = ({ kind }: EventView) => kind === 'metadata.fetched';
    await played.reaches(id, 'booting');
    for (const path of [
      '/openstack',
      '/openstack/latest/meta_data.json',
      '/openstack/2018-08-27/meta_data.json',
    ])
      await own.read(path);
    for (const path of ['/latest/meta-data/', '/latest/meta-data/hostname', '/latest/nothing'])
      await own.status(path);
    await played.install(id);
    await own.read('/nocloud/meta-data');
    const last = ({ kind, data }: EventView) => kind === 'metadata.fetched' && data.style === 'NoCloud';
    const { seen } = await dodai.untilEvent(`/v1/instances/${id}/events`, last);
    expect(seen.filter(isFetch).map(({ message }) => message)).toEqual([
      'asked the metadata service for its list of versions (OpenStack)',
      'asked the metadata service for its meta data (OpenStack)',
      'asked the metadata service for its meta data (EC2)',
      'asked the metadata service for its meta data (NoCloud)',
    ]);
    expect(seen.find(last)?.data).toEqual({
      style: 'NoCloud',
      document: 'meta data',
      path: '/nocloud/meta-data',
      client: own.address,
    });
  });
});
