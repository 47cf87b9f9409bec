import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
}

const fetches = { loader: false, kernel: 'head', initrd: 'head', image: 'head' } as const;

/** Told while something is awaited, and after the deadline as well. */
const everywhere: Case[] = [
  { rule: 'nothing-seen', faults: [{ kind: 'hangs', at: 'firmware' }], missing: /lpxelinux\.0 by TFTP/ },
  {
    rule: 'tftp-broken-off',
    faults: [{ kind: 'asks-for-another-loader', file: 'bootx64.efi' }],
    missing: /lpxelinux\.0/,
  },
  {
    rule: 'loader-no-configuration',
    faults: [{ kind: 'hangs', at: 'configuration' }],
    behaviour: { fetches: { ...fetches, loader: true } },
    missing: /pxelinux\.cfg\/01-02-d0-da/,
  },
  { rule: 'configuration-no-kernel', faults: [{ kind: 'hangs', at: 'kernel' }], missing: /vmlinuz by HTTP/ },
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
  { rule: 'bmc-unreachable', bmc: { kind: 'dead' } },
];

/** Told only while it lasts, or only when it is over. */
const meanwhile: Case[] = [
  {
    rule: 'installer-at-work',
    behaviour: { workMs: 600_000, progressReports: 1200 },
    missing: /install_reboot/,
  },
];
const inTheEnd: Case[] = [
  { rule: 'image-stalled', faults: [{ kind: 'image-stalls' }], missing: /image/ },
  { rule: 'installer-silent', faults: [{ kind: 'hangs', at: 'partition' }], missing: /install_reboot/ },
  { rule: 'bmc-refuses', bmc: { kind: 'wrong-password' } },
  { rule: 'power-does-not-follow', bmc: { kind: 'does-nothing', verbs: ['on'] } },
  { rule: 'heard-since', faults: [{ kind: 'says-late', word: 'install', lateMs: 8000 }] },
];

const seen = new Seen('simulated rack');

describe.each([
  {
    when: 'while something is awaited',
    cases: [...everywhere, ...meanwhile],
    deadlineS: 900,
    state: 'installing',
  },
  { when: 'after the deadline', cases: [...everywhere, ...inTheEnd], deadlineS: 5, state: 'install_failed' },
] as const)('$when', ({ cases, deadlineS, state }) => {
  let rack: SimulatedRack;
  let controller: ControllerProcess;
  let client: DodaiClient;
  let used = 0;

  beforeAll(async () => {
    rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
    rack.add(cases.length + 1);
    controller = await ControllerProcess.start(rack, { environment: environmentOf(deadlineS) });
    client = await controller.client();
    await importImage(client, 'simulated', 24);
    await enrol(client, rack.slots);
    await untilInState(client, 'inactive', cases.length + 1);
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

  /** What it is called is told as soon as it has happened, and, when a deadline is waited for, is what is told then. */
  async function untilSaid(name: string, rule: RuleId): Promise<WhyView> {
    const isSaid = async () => {
      const { machine, findings } = await client.whyMachine(name);
      return { state: machine?.state, said: findings.some((finding) => finding.rule === rule) };
    };
    await expect.poll(isSaid, { timeout: 50_000 }).toEqual({ state, said: true });
    return client.whyMachine(name);
  }

  it.concurrent.each(cases)('$rule', async (one) => {
    const { machine, instance } = await spawnOn(one);
    const why = await untilSaid(machine.name, one.rule);
    const [first] = why.findings;
    const found = why.findings.find(({ rule }) => rule === one.rule);
    expect(found?.weight === 'note' ? found.rule : first?.rule).toBe(one.rule);
    expect(found).toMatchObject({
      says: expect.stringMatching(/\.$|: /),
      missing: expect.toSatisfy(isMissing(one)),
    });
    expect(found?.next.length).toBeGreaterThan(0);
    expect(why.headline).toContain(machine.name);
    expect((await client.whyInstance(instance.id)).findings.map(({ rule }) => rule)).toContain(one.rule);
    seen.add(one.rule);
  });

  it('live-image-missing', async () => {
    const kernel = join(controller.dataDir, 'live-image/vmlinuz');
    await rename(kernel, `${kernel}.away`);
    const { machine } = await spawnOn({});
    const { findings } = await untilSaid(machine.name, 'live-image-missing');
    expect(findings[0]?.rule).toBe('live-image-missing');
    await rename(`${kernel}.away`, kernel);
    seen.add('live-image-missing');
  });
});

it('every rule that this test is named for has applied', () => seen.expectAll());

function environmentOf(deadlineS: number): Record<string, string> {
  const names = ['BOOTING', 'INSTALL', 'BOOTING_DISK', 'POWER'];
  const deadlines = names.map((name) => [`DODAI_DEADLINE_${name}_S`, String(deadlineS)] as const);
  return { ...Object.fromEntries(deadlines), DODAI_DEADLINE_SOFT_OFF_S: '1', DODAI_RETRIES: '0' };
}

const isMissing =
  ({ missing }: Case) =>
  (text: unknown): boolean =>
    missing === undefined || (typeof text === 'string' && missing.test(text));
