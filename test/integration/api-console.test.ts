import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { type IpmiSim, startIpmiSim } from '../support/ipmi-sim.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { SerialLine } from '../support/serial-line.js';
import { makeSmallImage } from '../support/small-image.js';

let dodai: RunningController;
let line: SerialLine;
let bmc: IpmiSim;
let instance: InstanceView;

beforeAll(async () => {
  [dodai, line] = await Promise.all([RunningController.start(), SerialLine.open()]);
  bmc = await startIpmiSim({ serialPort: line.port });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes },
  });
  const { data, sha256 } = await makeSmallImage(8);
  const path = `/v1/images?name=small&sha256=${sha256}`;
  await dodai.ask('POST', path, { body: data, type: 'application/octet-stream' });
  const body = machineNumber(1, { bmcPort: bmc.port });
  expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
});
afterAll(async () => {
  await dodai?.end();
  await Promise.all([bmc?.stop(), line?.close()]);
});

const told = (kind: string, text = '') =>
  dodai.untilEvent('/v1/machines/m1/events', (event) => {
    return event.kind === kind && JSON.stringify(event.data).includes(text);
  });

async function cli(args: string, given: Parameters<typeof runCaptured>[1] = {}) {
  const sleep = async (durationMs: number, signal?: AbortSignal) => {
    await pause(durationMs, undefined, { signal });
  };
  const env = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token };
  return runCaptured(args.split(' '), { now: () => new Date(), sleep, ...given, env });
}

describe('the console of a machine', () => {
  it('is empty before anything was done to it, and says so', async () => {
    const { status, body, headers } = await dodai.ask('GET', '/v1/machines/m1/console');
    expect([status, body, headers.get('content-type')]).toEqual([200, '', 'text/plain; charset=utf-8']);
    expect(await cli('console m1')).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('Nothing was captured'),
    });
  });

  it('is what its BMC heard while it is installed', async () => {
    const wish = { hostName: 'db1', image: 'small', instanceType: 'standard' };
    instance = (await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish })).body;
    await told('console.opened');
    await line.say('\u001B[31mSeaBIOS\u001B[0m\r\nthe live image is up\r\n');
    await told('console.output', 'the live image is up');
    const { body, headers } = await dodai.ask('GET', '/v1/machines/m1/console');
    expect(body).toBe('SeaBIOS\nthe live image is up\n');
    expect(headers.get('last-event-id')).toMatch(/^\d+$/);
    const ofInstance = (id: string) => dodai.ask('GET', `/v1/machines/m1/console?instance=${id}`);
    expect((await ofInstance(instance.id)).body).toBe(body);
    expect((await ofInstance('6f0c0a3e-0000-4000-8000-000000000000')).body).toBe('');
    expect(await dodai.refused('GET', '/v1/machines/none/console')).toMatchObject({ status: 404 });
    expect(await dodai.refused('GET', '/v1/machines/m1/console', { token: null })).toMatchObject({
      status: 401,
    });
  });

  it('is printed by the command, and followed', async () => {
    expect(await cli('console m1')).toMatchObject({ code: 0, stdout: 'SeaBIOS\nthe live image is up\n' });
    expect(JSON.parse((await cli('console m1 --instance db1 --json')).stdout)).toEqual({
      machine: 'm1',
      text: 'SeaBIOS\nthe live image is up\n',
    });
    const interrupt = new AbortController();
    let shown = '';
    const stdout = {
      write: (text: string) => {
        shown += text;
        if (shown.includes('partitioning')) interrupt.abort();
      },
    };
    const following = cli('console m1 --follow', { stdout, signal: interrupt.signal });
    await line.say('partitioning\r\n');
    expect((await following).code).toBe(130);
    expect(shown).toBe('SeaBIOS\nthe live image is up\npartitioning\n');
  });

  it('is let go a little after the work has ended', async () => {
    await dodai.ask('DELETE', `/v1/instances/${instance.id}`);
    await told('console.closed');
  });
});
