import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceView, SpawnPreview } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  ControllerProcess,
  enrol,
  importImage,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';

const waitSeconds = 120;
const count = 5;

let rack: SimulatedRack;
let controller: ControllerProcess;
let client: DodaiClient;
let other: string;

beforeAll(async () => {
  rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
  rack.add(count);
  const environment = { DODAI_DEADLINE_SOFT_OFF_S: '1', DODAI_RETRIES: '0' };
  controller = await ControllerProcess.start(rack, { environment });
  client = await controller.client();
  await importImage(client, 'simulated');
  other = (await importImage(client, 'other')).id;
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', count);
});
afterAll(async () => {
  rack?.stop();
  await controller?.end();
});

/** The machine of this number, from 1. */
function slot(number: number) {
  const found = rack.slots[number - 1];
  if (!found) throw new Error('there are too few machines');
  return found;
}

const wish = (over: Record<string, unknown> = {}) => ({
  hostName: 'db1',
  image: 'simulated',
  instanceType: simulatedType.name,
  ...over,
});

async function installedOn(number: number): Promise<InstanceView> {
  const { id } = await client.spawn(wish({ machine: slot(number).machine.name, cluster: 'blue' }));
  return client.waitForInstance(id, 'installed', waitSeconds);
}

/** A request as it is, for what the client would not send. */
async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(controller.url + path, {
    method,
    headers: {
      authorization: `Bearer ${await controller.token()}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    location: response.headers.get('location'),
    body: (text === '' ? null : JSON.parse(text)) as Record<string, unknown>,
  };
}

describe('an instance', () => {
  let id: string;
  beforeAll(async () => {
    ({ id } = await installedOn(1));
  });
  const says = (part: string): unknown => expect.stringContaining(part);
  const post = (verb: string, body?: unknown) => ask('POST', `/v1/instances/${id}/${verb}`, body);
  const truth = () => slot(1).machine.truth;

  it('is stopped and started; whoever waits learns when it is so', async () => {
    const stopping = await post('stop');
    expect(stopping).toMatchObject({ status: 202, location: `/v1/instances/${id}` });
    expect(await client.waitForInstance(id, 'stopped', waitSeconds)).toMatchObject({ powerOrder: null });
    expect(truth().power).toBe('off');
    expect((await post('start')).status).toBe(202);
    expect(await client.waitForInstance(id, 'active', waitSeconds)).toMatchObject({ state: 'active' });
    expect(truth().power).toBe('on');
  });

  it('is stopped hard when that is asked, whatever its OS does', async () => {
    slot(1).machine.faults.add({ kind: 'ignores-soft-off' });
    expect((await post('stop', { hard: true })).status).toBe(202);
    await client.waitForInstance(id, 'stopped', waitSeconds);
    expect(truth().power).toBe('off');
    slot(1).machine.faults.clear();
    await post('start');
    await client.waitForInstance(id, 'active', waitSeconds);
  });

  it.each(['reboot', 'power-cycle'])('is really switched off and on by a %s', async (verb) => {
    const before = truth().powerOns;
    expect((await post(verb)).status).toBe(202);
    expect(await client.waitForInstance(id, 'active', waitSeconds)).toMatchObject({ powerOrder: null });
    expect(truth()).toMatchObject({ power: 'on', powerOns: before + 1, resets: 0 });
  });

  it('is protected by a lock, until that is taken away', async () => {
    expect(await post('lock', { reason: ' the audit ' })).toMatchObject({
      status: 200,
      body: { locked: { reason: 'the audit' }, verbs: ['start', 'unlock'] },
    });
    for (const verb of ['stop', 'rebuild', 'force-destroy'])
      expect(await post(verb)).toMatchObject({
        status: 409,
        body: { code: 'machine-locked', detail: says('the audit'), remedy: says('Unlock it') },
      });
    expect(await ask('DELETE', `/v1/instances/${id}`)).toMatchObject({ status: 409 });
    expect(await post('lock', { reason: ' ' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'reason', message: says('say why') }] },
    });
    expect(await post('unlock')).toMatchObject({ status: 200, body: { locked: null } });
  });

  it('is rebuilt, from another image when one is named', async () => {
    expect(await post('rebuild', { image: 'other' })).toMatchObject({
      status: 202,
      body: { state: 'building' },
    });
    await client.waitForInstance(id, 'active', waitSeconds);
    expect(await client.instance(id)).toMatchObject({ image: { name: 'other' }, machine: { state: 'used' } });
    expect(truth().disk).toMatchObject({ kind: 'installed', os: { instanceId: id, imageId: other } });
    expect(await post('rebuild', { image: 'none' })).toMatchObject({ status: 404 });
  });

  it('says what is possible when a verb is not', async () => {
    expect(await post('retry')).toMatchObject({
      status: 409,
      body: { code: 'verb-not-allowed', detail: says('while sim-00001 is used'), remedy: says('rebuild') },
    });
    expect(await ask('POST', `/v1/instances/${randomUUID()}/stop`)).toMatchObject({ status: 404 });
  });

  it('is destroyed, and takes no verb any more', async () => {
    await client.destroy(id);
    expect(await client.waitForInstance(id, 'deleted', waitSeconds)).toMatchObject({
      machine: null,
      verbs: [],
    });
    expect(await post('start')).toMatchObject({ status: 409, body: { detail: says('is deleted') } });
    expect(truth().disk.kind).toBe('wiped');
  });
});

it('a work is aborted, and tried again when what was wrong is mended', async () => {
  const { machine } = slot(2);
  machine.faults.add({ kind: 'hangs', at: 'kernel' });
  const { id } = await client.spawn(wish({ machine: machine.name }));
  await machine.until(() => machine.moment === 'kernel');
  expect(await client.askInstance(id, 'abort')).toMatchObject({
    state: 'error',
    lastError: { code: 'aborted' },
  });
  machine.faults.clear();
  expect(await client.askMachine(machine.name, 'retry')).toMatchObject({ state: 'installing' });
  expect(await client.waitForInstance(id, 'installed', waitSeconds)).toMatchObject({ state: 'active' });
  await client.destroy(id);
  await client.waitForInstance(id, 'deleted', waitSeconds);
});

it('a machine whose BMC is gone is given up and removed', async () => {
  const { machine, bmc } = slot(3);
  const { id } = await installedOn(3);
  bmc.faults.add({ kind: 'dead' });
  const given = await ask('DELETE', `/v1/instances/${id}?force=true`);
  expect(given).toMatchObject({ status: 202, body: { state: 'deleted' } });
  expect(await client.machine(machine.name)).toMatchObject({
    state: 'delete_failed',
    lastError: { code: 'not-wiped' },
    verbs: expect.arrayContaining(['retry']),
  });
  expect(machine.truth.disk.kind).toBe('installed');
  await client.deleteMachine(machine.name);
  expect(await ask('GET', `/v1/machines/${machine.name}`)).toMatchObject({ status: 404 });
});

it('a machine that runs something is adopted, and is its owner’s', async () => {
  const { name } = slot(4).machine;
  const adopted = await ask('POST', `/v1/machines/${name}/adopt`, { hostName: 'old1' });
  const { id } = adopted.body as unknown as InstanceView;
  expect(adopted).toMatchObject({
    status: 201,
    location: `/v1/instances/${id}`,
    body: { hostName: 'old1', image: null, machine: { name, state: 'used' } },
  });
  expect(await ask('POST', `/v1/instances/${id}/rebuild`)).toMatchObject({
    status: 400,
    body: {
      detail: expect.stringContaining('has no image'),
      remedy: expect.stringContaining('Name an image'),
    },
  });
  expect(await ask('POST', `/v1/machines/${name}/adopt`, { hostName: 'old1' })).toMatchObject({
    status: 409,
    body: { code: 'verb-not-allowed' },
  });
});

describe('a spawn', () => {
  const preview = async (over: Record<string, unknown> = {}) =>
    (await ask('POST', '/v1/instances?dryRun=true', wish(over))) as unknown as {
      status: number;
      body: SpawnPreview;
    };

  it('tells what it would choose, and why not the others; nothing is reserved', async () => {
    await client.maintain('sim-00001', 'the fan');
    for (const _twice of [1, 2])
      expect(await preview()).toMatchObject({
        status: 200,
        body: { chosen: { name: 'sim-00002', way: 'install' }, alternatives: 1 },
      });
    const { body } = await preview();
    expect(body.refused).toEqual(
      expect.arrayContaining([
        { reason: 'is in maintenance', count: 1, machines: ['sim-00001'] },
        { reason: 'is used', count: 1, machines: ['sim-00004'] },
      ]),
    );
    expect((await client.machine('sim-00002')).state).toBe('inactive');
  });

  it('that would be refused chooses nothing', async () => {
    const { status, body } = await preview({ machine: 'sim-00001' });
    expect({ status, body }).toMatchObject({ status: 200, body: { chosen: null, alternatives: 0 } });
    expect(await ask('POST', '/v1/instances', wish({ machine: 'sim-00001' }))).toMatchObject({
      status: 409,
      body: { code: 'machine-unavailable', detail: expect.stringContaining('is in maintenance') },
    });
    await ask('DELETE', '/v1/machines/sim-00001/maintenance');
    expect((await preview({ machine: 'sim-00001' })).body.chosen).toMatchObject({ name: 'sim-00001' });
  });

  it('is for a zone in one word, in which a C lets the cluster begin', async () => {
    const refused = await ask('POST', '/v1/instances', wish({ availabilityZone: 'green,12' }));
    expect(refused).toMatchObject({ status: 404, body: { code: 'cluster-not-found' } });
    const request = { ...wish({ availabilityZone: 'C,green,12' }), userData: '#!/bin/sh\ntrue\n' };
    const { id } = await client.spawn(request);
    expect(await client.instance(id)).toMatchObject({
      cluster: 'green',
      vlanId: 12,
      configuration: { userData: { bytes: request.userData.length, parts: null } },
    });
    const another = await ask('POST', '/v1/instances?dryRun=true', wish({ availabilityZone: 'green,13' }));
    expect(another).toMatchObject({ status: 409, body: { code: 'cluster-vlan-mismatch' } });
    await client.waitForInstance(id, 'installed', waitSeconds);
  });

  it.each([
    ['availabilityZone', { availabilityZone: 'green,4095' }, 'has the VLAN "4095", which is none: 1 to 4094'],
    ['availabilityZone', { availabilityZone: 'green' }, 'is not a zone'],
    ['availabilityZone', { availabilityZone: 'green,12', cluster: 'green' }, 'together with cluster'],
    ['userData', { userData: '#!/bin/sh\n\0' }, 'holds a NUL character'],
    ['userData', { userData: '#!/bin/sh\n\ud800' }, 'is not text in UTF-8'],
    ['minVcpus', { minVcpus: 0 }, ''],
    ['labels.a b', { labels: { 'a b': 'x' } }, ''],
    ['antiAffinity', { antiAffinity: 'a b' }, 'is not a label key'],
  ])('is refused for %s in %j', async (field, over, message) => {
    expect(await ask('POST', '/v1/instances', wish(over))).toMatchObject({
      status: 400,
      body: { errors: [{ field, message: expect.stringContaining(message) }] },
    });
  });
});
