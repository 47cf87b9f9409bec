import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MachineState } from '#core';
import type { WhyView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  type Behaviour,
  type BmcFault,
  ControllerProcess,
  enrol,
  type Fault,
  importImage,
  type Moment,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';
import { type RuleId, Seen } from '../support/why-tested.js';

/** What is made to go wrong on a machine that is installed, and the rule that is to say so. */
interface Case {
  rule: RuleId;
  faults?: Fault[];
  bmc?: BmcFault;
  behaviour?: Partial<Behaviour>;
  /** Faults of its second boot: added once it has come so far. */
  later?: { moment: Moment; fault: Fault };
  missing?: RegExp;
  /**
   * Usually while something is awaited, and after the work was broken off as well. `meanwhile`: not after that. `by itself`: when the work
   * has failed of it.
   */
  told?: 'meanwhile' | 'by itself';
  /** Told only after the work was broken off, for it takes a silence before; which is done when this is the last that was seen. */
  afterSeeing?: RegExp;
}

const fetches = { loader: false, kernel: 'head', initrd: 'head', image: 'head' } as const;

const cases: Case[] = [
  { rule: 'nothing-seen', faults: [{ kind: 'hangs', at: 'firmware' }], missing: /lpxelinux\.0 by TFTP/ },
  {
    rule: 'tftp-broken-off',
    faults: [{ kind: 'asks-for-another-loader', file: 'ipxe.efi' }],
    missing: /lpxelinux\.0/,
  },
  {
    rule: 'loader-no-configuration',
    faults: [{ kind: 'hangs', at: 'configuration' }],
    behaviour: { fetches: { ...fetches, loader: true } },
    missing: /pxelinux\.cfg\/01-02-d0-da/,
  },
  { rule: 'configuration-no-kernel', faults: [{ kind: 'hangs', at: 'kernel' }], missing: /vmlinuz\.$/ },
  { rule: 'kernel-no-live-image', faults: [{ kind: 'hangs', at: 'initrd' }], missing: /initrd\.img/ },
  { rule: 'live-image-without-network', faults: [{ kind: 'hangs', at: 'script' }], missing: /create\.sh/ },
  { rule: 'script-refused', faults: [{ kind: 'asks-for-another-script' }], missing: /create\.sh/ },
  { rule: 'script-silent', faults: [{ kind: 'never-says', word: 'install' }], missing: /word install/ },
  { rule: 'restarted-while-installing', faults: [{ kind: 'restarts', at: 'image' }] },
  { rule: 'boots-network-again', faults: [{ kind: 'boots-network-again' }] },
  {
    rule: 'came-up-never-installed',
    faults: [{ kind: 'never-says', word: 'installed' }],
    missing: /installed/,
  },
  {
    rule: 'nothing-since-first-boot',
    later: { moment: 'image', fault: { kind: 'hangs', at: 'firmware' } },
    missing: /installed/,
  },
  {
    rule: 'notify-refused',
    faults: [
      { kind: 'stranger-says', word: 'install' },
      { kind: 'hangs', at: 'partition' },
    ],
  },
  {
    rule: 'soft-off-ignored',
    faults: [{ kind: 'ignores-soft-off' }, { kind: 'never-says', word: 'installed' }],
  },
  {
    rule: 'installer-at-work',
    behaviour: { workMs: 600_000, progressReports: 1200 },
    missing: /install_reboot/,
    told: 'meanwhile',
  },
  {
    rule: 'image-stalled',
    faults: [{ kind: 'image-stalls' }],
    missing: /image/,
    afterSeeing: /^began fetching/,
  },
  {
    rule: 'installer-silent',
    faults: [{ kind: 'hangs', at: 'partition' }],
    missing: /install_reboot/,
    afterSeeing: / says install/,
  },
  { rule: 'bmc-unreachable', bmc: { kind: 'dead' }, told: 'by itself' },
  { rule: 'bmc-refuses', bmc: { kind: 'wrong-password' }, told: 'by itself' },
  { rule: 'power-does-not-follow', bmc: { kind: 'does-nothing', verbs: ['on'] }, told: 'by itself' },
];

const seen = new Seen('simulated rack');

let rack: SimulatedRack;
let controller: ControllerProcess;
let client: DodaiClient;
let used = 0;

beforeAll(async () => {
  const count = cases.length + 2;
  rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
  rack.add(count);
  const environment = {
    DODAI_DEADLINE_POWER_S: '5',
    DODAI_DEADLINE_SOFT_OFF_S: '1',
    DODAI_RETRIES: '0',
  };
  controller = await ControllerProcess.start(rack, { environment });
  client = await controller.client();
  await importImage(client, 'simulated', 24);
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', count);
});
afterAll(async () => {
  rack?.stop();
  await controller?.end();
});

/** Spawns on a machine that nobody has used yet; what is to go wrong is arranged before. */
async function spawnOn({ faults = [], bmc: bmcFault, behaviour = {}, later }: Partial<Case>) {
  const slot = rack.slots[used++];
  if (!slot) throw new Error('there are too few machines');
  const { machine, bmc } = slot;
  machine.behave(behaviour);
  for (const fault of faults) machine.faults.add(fault);
  if (bmcFault) bmc.faults.add(bmcFault);
  const comesLater = later && machine.until(() => machine.moment === later.moment);
  void comesLater?.then(() => machine.faults.add(later?.fault as Fault));
  const { name } = machine;
  const wish = { hostName: name, image: 'simulated', instanceType: simulatedType.name, machine: name };
  return { machine, instance: await client.spawn(wish) };
}

/** Asks after each event until the answer is as wanted. */
async function until(name: string, isWanted: (why: WhyView) => boolean): Promise<WhyView> {
  const { id: machineId } = await client.machine(name);
  for await (const _event of client.followEvents({ machineId, after: '0' })) {
    const why = await client.whyMachine(name);
    if (isWanted(why)) return why;
  }
  throw new Error('the events have ended');
}

/** Whatever follows it: an answer that is asked for later may have seen more. */
async function untilSeen(name: string, pattern: RegExp): Promise<void> {
  const { id: machineId } = await client.machine(name);
  for await (const { message } of client.followEvents({ machineId, after: '0' }))
    if (pattern.test(message)) return;
  throw new Error('the events have ended');
}

const findingOf = ({ findings }: WhyView, rule: RuleId) => findings.find((finding) => finding.rule === rule);
const isSaid =
  (rule: RuleId, state: MachineState) =>
  (why: WhyView): boolean =>
    why.machine?.state === state && findingOf(why, rule) !== undefined;

/** And the controller does nothing itself just then, which would come before what is asked of it. */
const isSaidInWaiting =
  (rule: RuleId) =>
  (why: WhyView): boolean =>
    isSaid(rule, 'installing')(why) && why.awaits !== null;

/** Of the causes and what stands it is the one that is told. */
function check(why: WhyView, { rule, missing = /^/ }: Case): void {
  const found = findingOf(why, rule);
  const main = why.findings.find(({ weight }) => weight === 'cause' || weight === 'standing');
  expect(found?.weight === 'note' ? found.rule : main?.rule).toBe(rule);
  expect(found?.says).toMatch(/\.$|: /);
  expect(found?.missing ?? '').toMatch(missing);
  expect(found?.next).not.toEqual([]);
  seen.add(rule);
}

async function breakOff(name: string): Promise<void> {
  const headers = { authorization: `Bearer ${await controller.token()}` };
  const { status } = await fetch(`${controller.url}/v1/machines/${name}/abort`, { method: 'POST', headers });
  expect(status).toBe(202);
}

it.concurrent.each(cases)('$rule', async (one) => {
  const { rule, told, afterSeeing } = one;
  const { machine, instance } = await spawnOn(one);
  const { name } = machine;
  if (afterSeeing) await untilSeen(name, afterSeeing);
  else if (told !== 'by itself') check(await until(name, isSaidInWaiting(rule)), one);
  if (told === 'meanwhile') return;
  if (told !== 'by itself') await breakOff(name);
  check(await until(name, isSaid(rule, 'install_failed')), one);
  expect(findingOf(await client.whyInstance(instance.id), rule)).toBeDefined();
});

it('live-image-missing', async () => {
  const kernel = join(controller.dataDir, 'live-image/vmlinuz');
  await rename(kernel, `${kernel}.away`);
  const { machine } = await spawnOn({});
  check(await until(machine.name, isSaid('live-image-missing', 'installing')), {
    rule: 'live-image-missing',
  });
});

it('heard-since', async () => {
  const { machine, instance } = await spawnOn({ faults: [{ kind: 'hangs', at: 'firmware' }] });
  await until(machine.name, isSaid('nothing-seen', 'installing'));
  await breakOff(machine.name);
  machine.faults.clear();
  machine.reset();
  await until(machine.name, isSaid('heard-since', 'install_failed'));
  const why = await client.whyInstance(instance.id);
  check(why, { rule: 'heard-since' });
  expect(findingOf(why, 'nothing-seen')).toBeDefined();
});

it('every rule that this test is named for has applied', () => seen.expectAll());
