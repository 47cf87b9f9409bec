import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MachineImportResult, MachineView, Page } from '#contract';
import { type IpmiSim, startIpmiSim } from '../support/ipmi-sim.js';
import { machineNumber, RunningController } from '../support/running-controller.js';

let dodai: RunningController;
let bmc: IpmiSim;

beforeAll(async () => {
  [dodai, bmc] = await Promise.all([RunningController.start(), startIpmiSim()]);
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'standard', vcpus: 4, memoryMb: 2048, localGb: 40 },
  });
});
afterAll(async () => {
  await dodai?.end();
  await bmc?.stop();
});

/** Names of the machines there are. */
async function names(): Promise<string[]> {
  const { body } = await dodai.ask<Page<MachineView>>('GET', '/v1/machines');
  return body.items.map(({ name }) => name);
}

async function removeAll(): Promise<void> {
  for (const name of await names()) {
    await dodai.ask('GET', `/v1/machines/${name}?wait=verified`); // what is being checked cannot be removed
    expect((await dodai.ask('DELETE', `/v1/machines/${name}`)).status).toBe(204);
  }
}

const withBmc = (over: Record<string, unknown> = {}) =>
  machineNumber(1, { bmcPort: bmc.port, bmcUser: bmc.user, bmcPassword: bmc.password, ...over });
const enrol = (body: Record<string, unknown>) =>
  dodai.ask<MachineView>('POST', '/v1/machines?wait=verified', { body });

describe('enrolling a machine', () => {
  afterEach(removeAll);

  it('checks its BMC and shows what was found', async () => {
    const { status, headers, body } = await enrol(
      withBmc({ pxeMac: '52-54-00-AA-BB-01', labels: { rack: 'a3' } }),
    );
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/machines/${body.id}`);
    expect(body).toMatchObject({
      name: 'm1',
      state: 'inactive',
      status: 'inactive',
      verbs: ['verify', 'spawn', 'adopt', 'enter_maintenance', 'lock'],
      power: { state: 'off', ageSeconds: expect.any(Number) },
      pxeMac: '52:54:00:aa:bb:01',
      labels: { rack: 'a3' },
      vcpus: 4,
      memoryMb: 2048,
      localGb: 40,
      bootMode: 'bios',
      availabilityZone: 'resource_pool',
      installation: null,
      lastError: null,
    });
  });

  it('never shows its password', async () => {
    await enrol(withBmc({ bmcPassword: 'secret' }));
    for (const path of ['/v1/machines', '/v1/machines/m1', '/v1/machines/m1/events'])
      expect(JSON.stringify(await dodai.ask('GET', path))).not.toMatch(/secret|assword/);
  });

  it('says that the password is wrong; the machine stays and can be mended', async () => {
    const problem = await dodai.refused('POST', '/v1/machines?wait=verified', {
      body: withBmc({ bmcPassword: 'wrong' }),
    });
    expect(problem).toMatchObject({ status: 422, code: 'bmc-wrong-credentials', remedy: expect.any(String) });
    const { body } = await dodai.ask<MachineView>('GET', '/v1/machines/m1');
    expect(body).toMatchObject({
      id: problem.context?.machineId,
      state: 'verify_failed',
      verbs: ['verify', 'retry', 'enter_maintenance', 'lock'],
      lastError: { code: 'bmc-wrong-credentials' },
    });
    await dodai.ask('PATCH', '/v1/machines/m1', { body: { bmcPassword: bmc.password } });
    const verified = await dodai.ask<MachineView>('POST', '/v1/machines/m1/verify?wait=verified');
    expect(verified).toMatchObject({ status: 200, body: { state: 'inactive', lastError: null } });
  });

  it('says that the BMC does not answer', async () => {
    const problem = await dodai.refused('POST', '/v1/machines?wait=verified&timeout=60', {
      body: withBmc({ bmcPort: 1 }),
    });
    expect(problem).toMatchObject({
      status: 422,
      code: expect.stringMatching(/^bmc-(no-answer|unreachable)$/),
    });
  });

  it('answers before the check is over when the time is up first', async () => {
    const { status, body } = await dodai.ask<MachineView>('POST', '/v1/machines?wait=verified&timeout=0', {
      body: withBmc(),
    });
    expect(status).toBe(202);
    expect(body.state).toBe('verifying');
  });

  it.each([
    ['pxeMac', { pxeMac: '52:54:00:zz:00:01' }],
    ['pxeIp', { pxeIp: '10.0.0.256' }],
    ['bmcHost', { bmcHost: 'not a host' }],
    ['bmcPort', { bmcPort: 70_000 }],
    ['bmcCipherSuite', { bmcCipherSuite: 0 }],
    ['ipmi_ip', { ipmi_ip: '10.0.0.1' }],
    ['rootDeviceHint.path', { rootDeviceHint: { path: '/dev/sda' } }],
  ])('is refused for a bad %s', async (field, over) => {
    const problem = await dodai.refused('POST', '/v1/machines', { body: withBmc(over) });
    expect(problem).toMatchObject({ status: 400, code: 'invalid-request' });
    expect(problem.errors?.map((fault) => fault.field)).toEqual([field]);
    expect(await names()).toEqual([]);
  });

  it('is refused for an instance type that is not known', async () => {
    const problem = await dodai.refused('POST', '/v1/machines', { body: withBmc({ instanceType: 'none' }) });
    expect(problem).toMatchObject({ status: 404, code: 'instance-type-not-found' });
  });

  it.each([
    ['name', { name: 'm1' }],
    ['pxeMac', { pxeMac: machineNumber(1).pxeMac }],
    ['pxeIp', { pxeIp: machineNumber(1).pxeIp }],
    ['bmcHost', 'the BMC'],
  ])('is refused when another machine has its %s', async (field, over) => {
    await enrol(withBmc());
    const second = machineNumber(2, typeof over === 'string' ? { bmcPort: bmc.port } : over);
    const problem = await dodai.refused('POST', '/v1/machines', { body: second });
    expect(problem).toMatchObject({ status: 409, code: 'machine-duplicate', context: { field } });
    expect(await names()).toEqual(['m1']);
  });
});

describe('a machine', () => {
  beforeEach(async () => {
    await enrol(withBmc());
  });
  afterEach(removeAll);

  it('is found by id and by name', async () => {
    const { body } = await dodai.ask<MachineView>('GET', '/v1/machines/m1');
    expect((await dodai.ask<MachineView>('GET', `/v1/machines/${body.id}`)).body.name).toBe('m1');
    expect(await dodai.refused('GET', '/v1/machines/m9')).toMatchObject({
      status: 404,
      code: 'machine-not-found',
    });
  });

  it('has what a patch names changed, null clearing it, and nothing else', async () => {
    const { status, body } = await dodai.ask<MachineView>('PATCH', '/v1/machines/m1', {
      body: { pxeIp: null, labels: { rack: 'b1' }, vlanId: 7 },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: 'm1',
      pxeIp: null,
      labels: { rack: 'b1' },
      vlanId: 7,
      bmcPort: bmc.port,
      bootMode: 'bios',
    });
  });

  it.each([{ pxeMac: 'x' }, { state: 'active' }, { id: 'x' }, {}])('refuses the patch %j', async (body) => {
    expect(await dodai.refused('PATCH', '/v1/machines/m1', { body })).toMatchObject({ status: 400 });
  });

  it('is switched on and off, and says what the BMC saw', async () => {
    const on = await dodai.ask<MachineView>('POST', '/v1/machines/m1/power', { body: { verb: 'on' } });
    expect(on).toMatchObject({ status: 200, body: { power: { state: 'on' } } });
    expect(bmc.powerState()).toBe('on');
    const off = await dodai.ask<MachineView>('POST', '/v1/machines/m1/power', { body: { verb: 'off' } });
    expect(off.body.power.state).toBe('off');
    expect(bmc.powerState()).toBe('off');
    expect(await dodai.refused('POST', '/v1/machines/m1/power', { body: { verb: 'explode' } })).toMatchObject(
      { status: 400 },
    );
  });

  it('tells that its BMC refused, as a fault behind the controller', async () => {
    await dodai.ask('PATCH', '/v1/machines/m1', { body: { bmcPassword: 'wrong' } });
    const problem = await dodai.refused('POST', '/v1/machines/m1/power', { body: { verb: 'on' } });
    expect(problem).toMatchObject({ status: 502, code: 'bmc-wrong-credentials' });
  });

  it('has its history', async () => {
    const { body } = await dodai.ask<Page<{ kind: string }>>('GET', '/v1/machines/m1/events');
    expect(body.items.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['machine.enrolled', 'state.changed']),
    );
  });
});

describe('a list of machines', () => {
  beforeAll(async () => {
    const rows = Array.from({ length: 25 }, (_, n) =>
      machineNumber(n + 10, { labels: { rack: n < 5 ? 'a' : 'b' } }),
    );
    const { status } = await dodai.ask('POST', '/v1/machines/import', {
      body: JSON.stringify(rows),
      type: 'application/yaml',
    });
    expect(status).toBe(201); // JSON is YAML
  });

  it('comes in pages that hold each machine once', async () => {
    const seen: string[] = [];
    let after: string | null = '';
    while (after !== null) {
      const path: string = `/v1/machines?limit=10${after && `&after=${after}`}`;
      const { body } = await dodai.ask<Page<MachineView>>('GET', path);
      seen.push(...body.items.map(({ name }) => name));
      after = body.next;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `m${n + 10}`).sort());
  });

  it('is filtered by label and type', async () => {
    const { body } = await dodai.ask<Page<MachineView>>(
      'GET',
      '/v1/machines?label=rack=a&instanceType=standard',
    );
    expect(body.items).toHaveLength(5);
    expect((await dodai.ask<Page<MachineView>>('GET', '/v1/machines?state=active')).body.items).toEqual([]);
  });
});

describe('an import', () => {
  const heading = 'name,instanceType,bmcHost,bmcPort,bmcUser,bmcPassword,pxeMac,label.rack';
  const row = (n: number, over: Record<string, unknown> = {}) => {
    const m = machineNumber(n, over);
    return [m.name, m.instanceType, m.bmcHost, m.bmcPort, m.bmcUser, m.bmcPassword, m.pxeMac, 'a'].join(',');
  };
  const csv = (...rows: string[]) => ({ body: [heading, ...rows].join('\n'), type: 'text/csv' });

  it('enrols every machine of a CSV file', async () => {
    const { status, body } = await dodai.ask<MachineImportResult>(
      'POST',
      '/v1/machines/import',
      csv(row(101), row(102)),
    );
    expect(status).toBe(201);
    expect(body.imported).toBe(2);
    expect(body.machines.map(({ name, state, labels }) => [name, state, labels])).toEqual([
      ['m101', 'verifying', { rack: 'a' }],
      ['m102', 'verifying', { rack: 'a' }],
    ]);
  });

  it('with bad rows reports each with its number and field, and enrols none', async () => {
    const before = await names();
    const file = csv(
      row(110),
      row(111, { pxeMac: 'x' }),
      row(112, { instanceType: 'none' }),
      row(113, { bmcPort: 0 }),
    );
    const problem = await dodai.refused('POST', '/v1/machines/import', file);
    expect(problem).toMatchObject({ status: 422, code: 'import-invalid' });
    expect(problem.errors?.map((fault) => [fault.row, fault.field])).toEqual([
      [3, 'pxeMac'],
      [5, 'bmcPort'],
    ]);
    const unknownType = await dodai.refused(
      'POST',
      '/v1/machines/import',
      csv(row(110), row(112, { instanceType: 'none' })),
    );
    expect(unknownType.errors).toEqual([
      { row: 3, field: 'instanceType', message: expect.stringContaining('none') },
    ]);
    expect(await names()).toEqual(before);
  });

  it('with machines that are enrolled already names them and their rows', async () => {
    const before = await names();
    const taken = row(120, {
      name: 'm10',
      pxeMac: machineNumber(11).pxeMac,
      bmcPort: machineNumber(12).bmcPort,
    });
    const problem = await dodai.refused('POST', '/v1/machines/import', csv(row(121), taken));
    expect(problem.errors?.map((fault) => [fault.row, fault.field, fault.message])).toEqual([
      [3, 'name', 'm10 is that of the machine m10 already'],
      [3, 'pxeMac', expect.stringContaining('m11')],
      [3, 'bmcHost', expect.stringContaining('m12')],
    ]);
    expect(await names()).toEqual(before);
  });

  it.each([
    ['text/csv', 'a,b\n"'],
    ['application/yaml', '{{'],
    ['application/yaml', 'a: 1'],
    ['text/csv', ''],
  ])('of %s is refused as %j', async (type, body) => {
    expect(await dodai.refused('POST', '/v1/machines/import', { body, type })).toMatchObject({
      code: 'import-invalid',
    });
  });

  it('is CSV or YAML', async () => {
    const problem = await dodai.refused('POST', '/v1/machines/import', {
      body: '[]',
      type: 'application/json',
    });
    expect(problem).toMatchObject({
      status: 400,
      remedy: expect.stringContaining('text/csv or application/yaml'),
    });
  });
});
