import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView, InstanceView, MachineView, Page } from '#contract';
import { type IpmiSim, startIpmiSim } from '../support/ipmi-sim.js';
import { PlayedMachine } from '../support/played-machine.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

let dodai: RunningController;
const bmcs: IpmiSim[] = [];

beforeAll(async () => {
  dodai = await RunningController.start({ DODAI_LEGACY_MONITOR_PORT: '0', DODAI_DEADLINE_SOFT_OFF_S: '5' });
  bmcs.push(await startIpmiSim(), await startIpmiSim());
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes },
  });
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'empty', vcpus: 1, memoryMb: 512, localGb: 40 },
  });
  await upload('small', 8);
  await upload('large', 80);
  for (const [n, bmc] of bmcs.entries()) {
    // The first machine speaks from the address of this test: its legacy monitor words are believed.
    const body = machineNumber(n + 1, { bmcPort: bmc.port, ...(n === 0 ? { pxeIp: '127.0.0.1' } : {}) });
    expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
  }
});
afterAll(async () => {
  await dodai?.end();
  for (const bmc of bmcs) await bmc.stop();
});

async function upload(name: string, sizeMib: number): Promise<void> {
  const { data, sha256 } = await makeSmallImage(sizeMib);
  const path = `/v1/images?name=${name}&sha256=${sha256}`;
  expect((await dodai.ask('POST', path, { body: data, type: 'application/octet-stream' })).status).toBe(201);
}

const wish = (over: Record<string, unknown> = {}) => ({
  hostName: 'db1',
  image: 'small',
  instanceType: 'standard',
  ...over,
});
const spawn = async (over: Record<string, unknown> = {}) =>
  (await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish(over) })).body;
const played = new PlayedMachine(() => dodai);
const reaches = (id: string, stage: string) => played.reaches(id, stage);
const instanceToken = (id: string, script: string) => played.instanceToken(id, script);
const notify = (id: string, token: string, body: unknown) => played.notify(id, token, body);
const install = (id: string) => played.install(id);

async function wipe(id: string): Promise<void> {
  expect((await dodai.ask('DELETE', `/v1/instances/${id}`)).status).toBe(202);
  await played.wipe(id);
}

describe('an instance', () => {
  it('is spawned, followed, and destroyed', async () => {
    const made = await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish({ machine: 'm1' }) });
    const { id } = made.body;
    expect(made).toMatchObject({
      status: 202,
      body: {
        state: 'building',
        machine: { name: 'm1' },
        image: { name: 'small' },
        verbs: ['destroy', 'force_destroy', 'abort', 'lock'],
      },
    });
    expect(made.headers.get('location')).toBe(`/v1/instances/${id}`);
    await reaches(id, 'booting');
    await dodai.untilEvent(
      `/v1/instances/${id}/events`,
      ({ kind, data }) => kind === 'bmc.command' && data.verb === 'on',
    );
    expect(bmcs[0]?.powerState()).toBe('on');

    const token = await instanceToken(id, 'create.sh');
    await notify(id, token, { state: 'install', progress: 40, message: 'writing the image' });
    await notify(id, token, { state: 'install', progress: 60, message: 'still writing' });
    const midway = await dodai.ask<InstanceView>('GET', `/v1/instances/${id}`);
    expect(midway.body.installation).toMatchObject({
      stage: 'install',
      progress: 60,
      message: 'still writing',
    });

    const waiting = dodai.ask<InstanceView>('GET', `/v1/instances/${id}?wait=installed&timeout=60`);
    await notify(id, token, { state: 'install_reboot' });
    await reaches(id, 'booting_disk');
    await notify(id, token, { state: 'installed' });
    expect(await waiting).toMatchObject({
      status: 200,
      body: { state: 'active', installedAt: expect.any(String), installation: null },
    });
    const machine = await dodai.ask<MachineView>('GET', '/v1/machines/m1');
    expect(machine.body).toMatchObject({ state: 'active', status: 'active', instanceId: id });
    expect(bmcs[0]?.orders().map(({ what }) => what)).toContain('shutdown');

    await wipe(id);
    const gone = await dodai.ask<InstanceView>('GET', `/v1/instances/${id}`);
    expect(gone.body).toMatchObject({ state: 'deleted', verbs: [], deletedAt: expect.any(String) });
    expect((await dodai.ask<MachineView>('GET', '/v1/machines/m1')).body).toMatchObject({
      state: 'inactive',
      instanceId: null,
    });
    expect(bmcs[0]?.powerState()).toBe('off');
  });

  it('belongs to its cluster when it is for one', async () => {
    const { id } = await spawn({ cluster: 'c1', vlanId: 12 });
    await install(id);
    const { body } = await dodai.ask<InstanceView>('GET', `/v1/instances/${id}?wait=installed`);
    expect(body).toMatchObject({ cluster: 'c1', vlanId: 12, machine: { state: 'used' } });
    await wipe(id);
  });

  it('that failed says so to whoever waits for it', async () => {
    const { id } = await spawn();
    await reaches(id, 'booting');
    const waiting = dodai.refused('GET', `/v1/instances/${id}?wait=installed&timeout=60`);
    await notify(id, await instanceToken(id, 'create.sh'), {
      state: 'failed',
      message: 'the disk is too small',
    });
    expect(await waiting).toMatchObject({
      status: 409,
      code: 'instance-failed',
      detail: expect.stringContaining('the disk is too small'),
    });
    await wipe(id);
  });

  it('is answered with 202 when the time to wait is over', async () => {
    const { id } = await spawn();
    const early = await dodai.ask<InstanceView>('GET', `/v1/instances/${id}?wait=installed&timeout=0`);
    expect(early).toMatchObject({ status: 202, body: { id, state: 'building' } });
    await reaches(id, 'booting');
    await wipe(id);
    expect(await dodai.refused('GET', `/v1/instances/${id}?wait=installed`)).toMatchObject({
      status: 409,
      code: 'instance-failed',
    });
  });
});

describe('a spawn', () => {
  it.each([
    [404, 'image-not-found', { image: 'none' }],
    [404, 'instance-type-not-found', { instanceType: 'none' }],
    [404, 'machine-not-found', { machine: 'none' }],
    [422, 'image-too-large', { image: 'large' }],
    [409, 'machine-unavailable', { instanceType: 'empty' }],
    [400, 'invalid-request', { hostName: 'a b' }],
    [400, 'invalid-request', { sshKeys: ['ssh-rsa AAAA\nssh-rsa BBBB'] }],
    [400, 'invalid-request', { vlanId: 5000 }],
    [400, 'invalid-request', { imageId: 'x' }],
  ])('is refused with %i %s for %j, and takes no machine', async (status, code, over) => {
    expect(await dodai.refused('POST', '/v1/instances', { body: wish(over) })).toMatchObject({
      status,
      code,
    });
    expect(
      (await dodai.ask<Page<MachineView>>('GET', '/v1/machines?state=inactive')).body.items,
    ).toHaveLength(2);
    const building = await dodai.ask<Page<InstanceView>>('GET', '/v1/instances?state=building');
    expect(building.body.items).toEqual([]);
  });

  it('sent twice with one Idempotency-Key makes one instance', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const ask = () => dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish(), headers });
    const [first, second] = [await ask(), await ask()];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.id).toBe(first.body.id);
    const other = await dodai.refused('POST', '/v1/instances', { body: wish({ hostName: 'db2' }), headers });
    expect(other).toMatchObject({ status: 409, code: 'idempotency-key-reused' });
    const { body } = await dodai.ask<Page<InstanceView>>('GET', '/v1/instances?state=building');
    expect(body.items.map(({ id }) => id)).toEqual([first.body.id]);
    await reaches(first.body.id, 'booting');
    await wipe(first.body.id);
  });

  it('is refused with a malformed Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'a b' };
    const problem = await dodai.refused('POST', '/v1/instances', { body: wish(), headers });
    expect(problem).toMatchObject({ status: 400, errors: [{ field: 'Idempotency-Key' }] });
  });
});

describe('what an installer says', () => {
  let one: InstanceView;
  let other: InstanceView;
  let token: string;
  beforeAll(async () => {
    [one, other] = [await spawn({ machine: 'm1' }), await spawn({ machine: 'm2' })];
    await reaches(one.id, 'booting');
    await reaches(other.id, 'booting');
    token = await instanceToken(one.id, 'create.sh');
  });
  afterAll(async () => {
    await wipe(one.id);
    await wipe(other.id);
  });
  const refused = (id: string, bearer: string | null, body: unknown) =>
    dodai.refused('POST', `/v1/instances/${id}/notify`, { token: bearer, body });
  const stageOf = async (id: string) =>
    (await dodai.ask<InstanceView>('GET', `/v1/instances/${id}`)).body.installation?.stage;

  it('needs the token of its instance', async () => {
    const body = { state: 'install' };
    expect(await refused(one.id, null, body)).toMatchObject({ status: 401, code: 'token-missing' });
    expect(await refused(one.id, 'wrong', body)).toMatchObject({ status: 403, code: 'notify-forbidden' });
    expect(await refused(one.id, dodai.token, body)).toMatchObject({ status: 403, code: 'notify-forbidden' });
    expect(await refused(other.id, token, body)).toMatchObject({ status: 403, code: 'notify-forbidden' });
    expect(await refused(randomUUID(), token, body)).toMatchObject({ status: 403, code: 'notify-forbidden' });
    expect([await stageOf(one.id), await stageOf(other.id)]).toEqual(['booting', 'booting']);
  });

  it('opens nothing else with that token', async () => {
    expect(await dodai.refused('GET', '/v1/machines', { token })).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
  });

  it.each([
    [400, 'notify-unknown-state', { state: 'ready' }],
    [400, 'invalid-request', { state: 'install', progress: 101 }],
    [400, 'invalid-request', { state: 'install', progress: '40' }],
    [400, 'invalid-request', { state: 'install', percent: 1 }],
    [400, 'invalid-request', {}],
    [400, 'invalid-request', null],
    [409, 'notify-out-of-order', { state: 'installed' }],
    [409, 'notify-out-of-order', { state: 'install_reboot' }],
    [409, 'notify-out-of-order', { state: 'deleted' }],
  ])('is refused with %i %s for %j', async (status, code, body) => {
    expect(await refused(one.id, token, body)).toMatchObject({ status, code });
    expect(await stageOf(one.id)).toBe('booting');
  });

  it('is at most 256 KiB, its log 64 KiB at a time', async () => {
    expect(await refused(one.id, token, { state: 'install', message: 'x'.repeat(256 * 1024) })).toMatchObject(
      {
        status: 413,
      },
    );
    const log = { token, body: 'x'.repeat(64 * 1024 + 1), type: 'text/plain' };
    expect(await dodai.refused('POST', `/v1/instances/${one.id}/log`, log)).toMatchObject({ status: 413 });
  });

  it('goes on the timeline, its log too', async () => {
    const body = 'first line\nsecond line\n';
    expect(
      (
        await dodai.ask('POST', `/v1/instances/${one.id}/log`, {
          token,
          body,
          type: 'text/plain; charset=utf-8',
        })
      ).status,
    ).toBe(204);
    const { found } = await dodai.untilEvent(
      `/v1/instances/${one.id}/events`,
      ({ kind }) => kind === 'installer.log',
    );
    expect(found).toMatchObject({ message: 'second line', data: { text: body }, instanceId: one.id });
    const wrong = { token: 'wrong', body, type: 'text/plain' };
    expect(await dodai.refused('POST', `/v1/instances/${one.id}/log`, wrong)).toMatchObject({ status: 403 });
  });

  it('is taken by the old monitor too, from the address of the machine alone', async () => {
    const port = dodai.controller.listeners.legacyMonitorPort;
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await get(`/${other.id}/install`)).status).toBe(403);
    expect((await get(`/${one.id}/ready`)).status).toBe(400);
    expect((await get(`/${one.id}/installed`)).status).toBe(409);
    expect((await get('/../etc/passwd')).status).toBe(404);
    expect((await get(`/${one.id}/install`)).status).toBe(200);
    expect([await stageOf(one.id), await stageOf(other.id)]).toEqual(['install', 'booting']);
  });

  it('that was refused is on the timeline of the machine, without what strangers wrote', async () => {
    const path = `/v1/instances/${other.id}/notify`;
    const say = (body: unknown, token: string) => dodai.refused('POST', path, { body, token });
    const refused = (code: string) =>
      dodai.untilEvent(
        '/v1/machines/m2/events',
        ({ kind, data }) => kind === 'notify.refused' && data.code === code,
      );
    const filler = 'spam '.repeat(1000);
    await say({ state: 'install', message: 'spam' }, 'wrong');
    await say({ state: 'installed', message: 'spam' }, await instanceToken(other.id, 'create.sh'));
    await say({ state: filler }, 'wrong');
    await say({ [filler]: filler }, 'wrong');
    const forbidden = await refused('notify-forbidden');
    expect(forbidden.found).toMatchObject({
      message: 'install from 127.0.0.1 was refused: This token does not belong to this instance.',
      instanceId: other.id,
      data: { said: 'install', status: 403, client: '127.0.0.1' },
    });
    expect((await refused('notify-out-of-order')).found).toMatchObject({
      message: expect.stringContaining('installed was said while m2 is installing (booting)'),
      data: { said: 'installed', status: 409 },
    });
    expect((await refused('notify-unknown-state')).found.data).toMatchObject({ said: null, status: 400 });
    const { seen } = await refused('invalid-request');
    expect(JSON.stringify(seen)).not.toContain('spam');
  });

  it('that came over the old monitor and was refused is on the timeline as well', async () => {
    const { found } = await dodai.untilEvent(
      '/v1/machines/m1/events',
      ({ kind, data }) => kind === 'notify.refused' && data.code === 'notify-out-of-order',
    );
    expect(found).toMatchObject({ instanceId: one.id, data: { said: 'installed', client: '127.0.0.1' } });
  });

  it('ends the script: what was installed once is not installed again', async () => {
    expect((await dodai.ask('GET', `/boot/instances/${one.id}/create.sh`, { token: null })).status).toBe(404);
    expect((await dodai.ask('GET', `/boot/instances/${one.id}/delete.sh`, { token: null })).status).toBe(404);
    const { found } = await dodai.untilEvent(
      `/v1/instances/${one.id}/events`,
      ({ kind, data }) => kind === 'http.refused' && String(data.path).endsWith('create.sh'),
    );
    expect(found.message).toContain('create.sh is not what the machine');
  });
});

describe('the event stream', () => {
  it('resumes after the event that was seen last, and goes on live', async () => {
    const { body } = await dodai.ask<Page<EventView>>('GET', '/v1/events?limit=1000');
    const ids = body.items.map(({ id }) => id);
    const middle = ids[Math.floor(ids.length / 2)] ?? '';
    const following = dodai.untilEvent(
      '/v1/events',
      ({ kind, message }) => kind === 'machine.changed' && message.includes('labels'),
      middle,
    );
    await dodai.ask('PATCH', '/v1/machines/m1', { body: { labels: { seen: 'yes' } } });
    const { seen } = await following;
    expect(seen.slice(0, -1).map(({ id }) => id)).toEqual(ids.slice(ids.indexOf(middle) + 1));
  });

  it('tells of one machine only when asked for one', async () => {
    const { body: m2 } = await dodai.ask<MachineView>('GET', '/v1/machines/m2');
    const path = '/v1/machines/m2/events';
    const following = dodai.untilEvent(path, ({ kind }) => kind === 'machine.changed');
    await dodai.ask('PATCH', '/v1/machines/m1', { body: { labels: {} } });
    await dodai.ask('PATCH', '/v1/machines/m2', { body: { labels: { a: 'b' } } });
    expect(new Set((await following).seen.map(({ machineId }) => machineId))).toEqual(new Set([m2.id]));
  });

  it('without Last-Event-ID begins with what happens next', async () => {
    const stream = dodai.follow('/v1/events');
    const next = stream.next();
    const patch = async (n: number) =>
      dodai.ask('PATCH', '/v1/machines/m1', { body: { labels: { n: String(n) } } });
    let n = 0;
    const first = await Promise.race([next, repeatedly(() => patch((n += 1)))]);
    expect(first.value).toMatchObject({ kind: 'machine.changed' });
    await stream.return(undefined);
  });

  it('refuses a Last-Event-ID that is none', async () => {
    const headers = { accept: 'text/event-stream', 'last-event-id': 'x' };
    expect(await dodai.refused('GET', '/v1/events', { headers })).toMatchObject({
      status: 400,
      errors: [{ field: 'Last-Event-ID' }],
    });
  });
});

/** The stream may not be open yet when the first thing happens: let things happen until it tells of one. */
async function repeatedly(act: () => Promise<unknown>): Promise<never> {
  for (;;) await act();
}
