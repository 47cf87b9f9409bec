import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import { freePort, Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { GuestSegment } from '../support/guest-segment.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

let segment: GuestSegment;
let dodai: RunningController;
let url: string;
const driver = new FakePowerDriver();

beforeAll(async () => {
  segment = await GuestSegment.create();
  const port = await freePort();
  url = `http://${segment.hostAddress}:${port}/latest/meta-data/hostname`;
  const listening = { DODAI_METADATA_HOST: segment.hostAddress, DODAI_METADATA_PORT: String(port) };
  dodai = await RunningController.start({ ...listening, DODAI_LOG_LEVEL: 'silent' }, { driver });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40, ...sizes };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const { data, sha256 } = await makeSmallImage(8);
  const image = { body: data, type: 'application/octet-stream' };
  expect((await dodai.ask('POST', `/v1/images?name=small&sha256=${sha256}`, image)).status).toBe(201);
  await adopted(1, { serviceMac1: '52:54:00:77:00:01', storageIp: '10.198.77.50' });
  await adopted(2, { storageMac: '52:54:00:77:00:02', storageIp: '10.198.77.50' });
});
afterAll(async () => {
  await dodai?.end();
  await segment?.remove();
});

async function machine(number: number, over: Record<string, unknown> = {}): Promise<void> {
  const bmc = { host: '127.0.0.1', port: 10_000 + number, user: 'admin', cipherSuite: 3 as const };
  driver.add({ ...bmc, password: new Secret('secret') }, { power: 'on' });
  const body = machineNumber(number, over);
  expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
}

/** A machine with an OS of its own. */
async function adopted(number: number, over: Record<string, unknown>): Promise<void> {
  await machine(number, over);
  const path = `/v1/machines/m${number}/adopt`;
  expect(await dodai.ask('POST', path, { body: { hostName: `host-${number}` } })).toMatchObject({
    status: 201,
  });
}

/** A machine whose instance has this address for good. */
async function spawned(number: number, address: string, vlanId: number): Promise<string> {
  await machine(number);
  const network = {
    links: [{ id: 'eth0', type: 'phy', nic: 'pxe' }],
    addresses: [{ type: 'static', link: 'eth0', address }],
  };
  const cluster = { cluster: `vlan-${vlanId}`, vlanId, createCluster: true };
  const what = {
    hostName: `host-${number}`,
    image: 'small',
    instanceType: 'standard',
    machine: `m${number}`,
  };
  const made = await dodai.ask<InstanceView>('POST', '/v1/instances', {
    body: { ...what, ...cluster, network },
  });
  expect(made).toMatchObject({ status: 202 });
  return made.body.id;
}

const cardOf = (number: number) => String(machineNumber(number).pxeMac);
const unknownCard = '52:54:00:77:00:99';

it('a guest at an address that nobody has is known by its card, whichever of the machine’s it is', async () => {
  await segment.plugIn({ mac: '52:54:00:77:00:01', address: '10.198.77.9' });
  expect(await segment.get(url)).toEqual({ status: 200, text: 'host-1' });
});

it('when another machine has the address, that one is known from its first request', async () => {
  await segment.plugIn({ mac: '52:54:00:77:00:02', address: '10.198.77.9' });
  expect(await segment.get(url)).toEqual({ status: 200, text: 'host-2' });
});

it('a card that no machine has is a stranger’s', async () => {
  await segment.plugIn({ mac: unknownCard, address: '10.198.77.9' });
  expect(await segment.get(url)).toEqual({ status: 404, text: '' });
});

it('of two that have the same address the one is asking whose card it is', async () => {
  await segment.plugIn({ mac: '52:54:00:77:00:02', address: '10.198.77.50' });
  expect(await segment.get(url)).toEqual({ status: 200, text: 'host-2' });
  await segment.plugIn({ mac: unknownCard, address: '10.198.77.50' });
  expect(await segment.get(url)).toEqual({ status: 404, text: '' });
});

it('the address that an instance was spawned with is its own, until it is destroyed', async () => {
  const id = await spawned(3, '10.198.77.30/24', 3);
  await segment.plugIn({ mac: unknownCard, address: '10.198.77.30' });
  expect(await segment.get(url)).toEqual({ status: 200, text: 'host-3' });
  expect((await dodai.ask('DELETE', `/v1/instances/${id}?force=true`)).status).toBeLessThan(300);
  expect(await segment.get(url)).toEqual({ status: 404, text: '' });
});

it('an address that instances have in two VLANs is nobody’s, but for the card', async () => {
  await spawned(4, '10.198.77.40/24', 4);
  await spawned(5, '10.198.77.40/24', 5);
  await segment.plugIn({ mac: unknownCard, address: '10.198.77.40' });
  expect(await segment.get(url)).toEqual({ status: 404, text: '' });
  await segment.plugIn({ mac: cardOf(5), address: '10.198.77.40' });
  expect(await segment.get(url)).toEqual({ status: 200, text: 'host-5' });
});
