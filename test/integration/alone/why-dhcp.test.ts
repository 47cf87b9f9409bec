import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceView, MachineView, WhyView } from '#contract';
import { Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { DhcpSegment } from '../../support/dhcp-segment.js';
import { machineNumber, RunningController } from '../../support/running-controller.js';
import { makeSmallImage } from '../../support/small-image.js';
import { type RuleId, Seen } from '../../support/why-tested.js';

const seen = new Seen('DHCP segment');
const driver = new FakePowerDriver();
const onlyAddress = '10.99.0.100';

let segment: DhcpSegment;
let dodai: RunningController;

beforeAll(async () => {
  segment = await DhcpSegment.create();
  await segment.moveToServers('ip'); // the controller finds the interface where dnsmasq listens on it
  const dhcp = { DODAI_DHCP: 'full', DODAI_DHCP_INTERFACE: segment.serverInterface };
  const range = { DODAI_DHCP_RANGE: `${onlyAddress},${onlyAddress}` };
  dodai = await RunningController.start({ ...dhcp, ...range }, { driver });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const { data, sha256 } = await makeSmallImage(8);
  const path = `/v1/images?name=small&sha256=${sha256}`;
  await dodai.ask('POST', path, { body: data, type: 'application/octet-stream' });
});
afterAll(async () => {
  await dodai?.end();
  await segment?.remove();
});

const isWaiting = (event: { kind: string }) => event.kind === 'wait.began';

/** A machine that was switched on to be installed. */
async function booting(number: number, over: object = {}) {
  const body = machineNumber(number, { bmcHost: '10.0.0.1', pxeIp: `10.99.0.${number + 10}`, ...over });
  const password = new Secret('secret');
  driver.add({ host: '10.0.0.1', port: 10_000 + number, user: 'admin', password, cipherSuite: 3 });
  const { status, body: machine } = await dodai.ask<MachineView>('POST', '/v1/machines?wait=verified', {
    body,
  });
  expect(status).toBe(201);
  const wish = { hostName: machine.name, image: 'small', instanceType: 'standard', machine: machine.name };
  const { body: instance } = await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish });
  const { found } = await dodai.untilEvent(`/v1/instances/${instance.id}/events`, isWaiting);
  return { machine, instance, since: found.id };
}

const why = async ({ name }: MachineView) =>
  (await dodai.ask<WhyView>('GET', `/v1/machines/${name}/why`)).body;

/** Asks again after each event until this is what is told first. */
async function expectWhy(machine: MachineView, rule: RuleId): Promise<WhyView['findings'][number]> {
  for await (const _event of dodai.follow(`/v1/machines/${machine.name}/events`, '0')) {
    const [first] = (await why(machine)).findings;
    if (first?.rule !== rule) continue;
    seen.add(rule);
    return first;
  }
  throw new Error('the events have ended');
}

it('a machine that asks for no address', async () => {
  const { machine } = await booting(1);
  const { missing, next } = await expectWhy(machine, 'no-dhcp-request');
  expect(missing).toBe(`A DHCP request from ${machine.pxeMac}.`);
  expect(next[0]).toContain('boots from the network first');
});

it('a machine that gets an address and asks for no file', async () => {
  const { machine } = await booting(2);
  expect((await segment.askForBoot(machine.pxeMac))?.ip).toBe('10.99.0.12');
  const { evidence } = await expectWhy(machine, 'dhcp-no-tftp');
  expect(evidence.at(-1)?.what).toContain('DHCP');
  expect((await why(machine)).lastSeen?.what).toContain('DHCP');
});

it('a machine that there is no address for', async () => {
  expect((await segment.askForLease('52:54:00:00:00:99', '-t', '8'))?.ip).toBe(onlyAddress);
  const { machine } = await booting(3, { pxeIp: null });
  expect(await segment.askForBoot(machine.pxeMac)).toBeNull();
  expect((await expectWhy(machine, 'dhcp-not-answered')).says).toContain('no address available');
});

it('a machine that boots its disk', async () => {
  const { machine } = await booting(4);
  expect((await segment.askForLease(machine.pxeMac))?.ip).toBe('10.99.0.14');
  await expectWhy(machine, 'boots-disk-instead');
});

it('a machine that boots in another mode than its record says', async () => {
  const { machine } = await booting(6);
  expect((await segment.askForBoot(machine.pxeMac, 7))?.ip).toBe('10.99.0.16');
  const isTold = ({ kind }: { kind: string }) => kind === 'machine.boot-mode-differs';
  await dodai.untilEvent(`/v1/machines/${machine.name}/events`, isTold, '0');
  const { findings } = await why(machine);
  const note = findings.find(({ rule }) => rule === 'boot-mode-differs');
  expect(note?.says).toContain('boots with uefi, and its record says bios');
  seen.add('boot-mode-differs');
});

it('an OS that came up, and never says that it is installed', async () => {
  const { machine, instance, since } = await booting(5);
  const script = await dodai.fetch('GET', `/boot/instances/${instance.id}/create.sh`, { token: null });
  const [, token] = /^TOKEN='?([\w-]+)'?$/m.exec(await script.text()) ?? [];
  for (const state of ['install', 'install_reboot'])
    await dodai.ask('POST', `/v1/instances/${instance.id}/notify`, { token, body: { state } });
  const isFirstBoot = ({ kind, data }: { kind: string; data: object }) =>
    kind === 'wait.began' && JSON.stringify(data).includes('installed OS');
  await dodai.untilEvent(`/v1/instances/${instance.id}/events`, isFirstBoot, since);
  expect((await why(machine)).findings[0]?.rule).toBe('nothing-since-first-boot');
  await segment.askForLease(machine.pxeMac);
  for await (const _event of dodai.follow(`/v1/machines/${machine.name}/events`, '0'))
    if ((await why(machine)).findings[0]?.rule === 'came-up-never-installed') break;
  expect((await why(machine)).findings[0]?.says).toContain('came up and asked for an address');
});

it('every rule that this test is named for has applied', () => seen.expectAll());
