import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import { freePort, Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { askCloudInit } from '../support/cloud-init-reader.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIAVG61J4FmEt0fZ1zMATC1+4SKWZno+Zp5WF59cYpqG owner@desk';
const userData = '#!/bin/sh\ntouch /root/hello\n';
const serviceMac1 = '52:54:00:66:00:01';
const macs = { [String(machineNumber(1).pxeMac)]: 'eth0', [serviceMac1]: 'eth1' };

let dodai: RunningController;
let url: string;
let id: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const driver = new FakePowerDriver();
  dodai = await RunningController.start({ DODAI_METADATA_PORT: String(port) }, { driver });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const { data, sha256 } = await makeSmallImage(8);
  const image = { body: data, type: 'application/octet-stream' };
  expect((await dodai.ask('POST', `/v1/images?name=small&sha256=${sha256}`, image)).status).toBe(201);
  const bmc = { host: '127.0.0.1', port: 10_001, user: 'admin', cipherSuite: 3 as const };
  driver.add({ ...bmc, password: new Secret('secret') });
  // Whatever asks from the address of this test is this machine's OS.
  const machine = machineNumber(1, { pxeIp: '127.0.0.1', serviceMac1 });
  expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body: machine })).status).toBe(201);
  id = await spawn();
});
afterAll(() => dodai?.end());

async function spawn(): Promise<string> {
  const network = {
    links: [{ id: 'eth1', type: 'phy', nic: 'service1' }],
    addresses: [{ type: 'static', link: 'eth1', address: '10.66.0.5/24', gateway: '10.66.0.1' }],
    dns: { servers: ['10.66.0.2'] },
  };
  const what = { hostName: 'db1', image: 'small', instanceType: 'standard', configDrive: false };
  const body = { ...what, sshKeys: [key], userData, metadata: { role: 'db' }, network };
  const made = await dodai.ask<InstanceView>('POST', '/v1/instances', { body });
  expect(made).toMatchObject({ status: 202 });
  return made.body.id;
}

describe('what the service says is read by cloud-init without a warning', () => {
  const same = () => ({
    warnings: [],
    instanceId: id,
    hostName: 'db1',
    keys: [key],
    userData: Buffer.from(userData).toString('base64'),
  });

  it('from OpenStack’s form', async () => {
    const understood = await askCloudInit({ source: 'openstack', url, macs });
    expect(understood).toMatchObject({ ...same(), metadata: { meta: { role: 'db' } } });
    expect(JSON.stringify(understood.network)).toContain('10.66.0.5');
  });

  it.each(['2009-04-04', 'latest'])('from EC2’s form, version %s', async (version) => {
    const understood = await askCloudInit({ source: 'ec2', url, version, macs });
    expect(understood).toMatchObject({ ...same(), metadata: { 'local-ipv4': '10.66.0.5' } });
  });

  it('from NoCloud’s form', async () => {
    const understood = await askCloudInit({ source: 'nocloud-net', url: `${url}/nocloud/`, macs });
    expect(understood).toMatchObject(same());
    expect(JSON.stringify(understood.network)).toContain('10.66.0.5');
  });
});

it('what cloud-init asked for is on the timeline, once for each kind of document', async () => {
  const { body } = await dodai.ask<{ items: { message: string }[] }>(
    'GET',
    `/v1/instances/${id}/events?kind=metadata.fetched&limit=100`,
  );
  const told = body.items.map(({ message }) => message);
  expect(told).toEqual(
    expect.arrayContaining([
      'asked the metadata service for its meta data (OpenStack)',
      'asked the metadata service for its user data (EC2)',
      'asked the metadata service for its network data (NoCloud)',
    ]),
  );
  expect(new Set(told).size).toBeGreaterThan(5);
});
