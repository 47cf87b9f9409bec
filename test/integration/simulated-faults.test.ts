import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  type BmcFault,
  ControllerProcess,
  enrol,
  type Fault,
  importImage,
  type MachineBody,
  type Moment,
  SimulatedPowerDriver,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';

/** What goes wrong, and where the machine then stands while the controller waits in vain. */
const standstills: [what: string, fault: Fault, moment: Moment, disk: string][] = [
  ['no TFTP', { kind: 'hangs', at: 'loader' }, 'loader', 'wiped'],
  ['no configuration', { kind: 'hangs', at: 'configuration' }, 'configuration', 'wiped'],
  ['no kernel', { kind: 'hangs', at: 'kernel' }, 'kernel', 'wiped'],
  ['no live image', { kind: 'hangs', at: 'initrd' }, 'initrd', 'wiped'],
  ['a live image without network', { kind: 'hangs', at: 'script' }, 'script', 'wiped'],
  ['an image download that stalls', { kind: 'image-stalls' }, 'image', 'half-written'],
  ['a silent installer', { kind: 'never-says', word: 'install_reboot' }, 'install_reboot', 'installed'],
  ['a restart in the middle', { kind: 'restarts', at: 'image' }, 'disk', 'half-written'],
  ['an OS that never reports', { kind: 'never-says', word: 'installed' }, 'installed', 'installed'],
  ['an OS that hangs', { kind: 'hangs', at: 'disk' }, 'disk', 'installed'],
];

/** What goes wrong and harms nothing. */
const survivals: [what: string, fault: Fault][] = [
  ['a word said twice', { kind: 'says-twice', word: 'install_reboot' }],
  ['a word said late', { kind: 'says-late', word: 'install', lateMs: 50 }],
  ['a word out of order', { kind: 'says-first', word: 'install', first: 'installed' }],
  ['a stranger', { kind: 'stranger-says', word: 'installed' }],
  ['an ignored soft-off', { kind: 'ignores-soft-off' }],
];

/** What comes of switching a machine on, and how its power then is. */
const bmcFailures: [what: string, fault: BmcFault, code: string, power: string][] = [
  ['dead', { kind: 'dead' }, 'bmc-no-answer', 'off'],
  ['too slow', { kind: 'slow', ms: 30 }, 'bmc-no-answer', 'on'],
  ['of another password', { kind: 'wrong-password' }, 'bmc-wrong-credentials', 'off'],
  ['that refuses', { kind: 'refuses', verbs: ['on'] }, 'bmc-refused', 'off'],
  ['that answers garbage', { kind: 'answers-garbage' }, 'bmc-answer-unknown', 'off'],
  ['that does nothing', { kind: 'does-nothing', verbs: ['on'] }, 'none', 'off'],
  ['that fails at other verbs', { kind: 'refuses', verbs: ['off'] }, 'none', 'on'],
];

const waitSeconds = 60;

let rack: SimulatedRack;
let controller: ControllerProcess;
let client: DodaiClient;
let used = 0;

beforeAll(async () => {
  const count = standstills.length + survivals.length + bmcFailures.length + 3;
  rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
  rack.add(count);
  const environment = { DODAI_DEADLINE_SOFT_OFF_S: '1', DODAI_RETRIES: '0' };
  controller = await ControllerProcess.start(rack, { environment });
  client = await controller.client();
  await importImage(client, 'simulated');
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', count);
});
afterAll(async () => {
  rack?.stop();
  await controller?.end();
});

/** A machine that nobody has used yet. */
function unused() {
  const slot = rack.slots[used++];
  if (!slot) throw new Error('there are too few machines');
  return slot;
}

function spawnOn({ name }: MachineBody, image = 'simulated'): Promise<InstanceView> {
  return client.spawn({
    hostName: name,
    image,
    instanceType: simulatedType.name,
    machine: name,
  });
}

const installed = ({ id }: InstanceView) => client.waitForInstance(id, 'installed', waitSeconds);

it.concurrent.each(standstills)('%s: the machine stands still there', async (_, fault, moment, disk) => {
  const { machine } = unused();
  machine.faults.add(fault);
  const { id } = await spawnOn(machine);
  await machine.until(() => machine.moment === moment && machine.truth.disk.kind === disk);
  expect((await client.instance(id)).state).toBe('building');
});

it.concurrent.each(survivals)('%s does no harm', async (_, fault) => {
  const { machine } = unused();
  machine.faults.add(fault);
  expect(await installed(await spawnOn(machine))).toMatchObject({ state: 'active' });
  expect(machine.truth).toMatchObject({ powerOns: 2, installations: [{ completed: true }] });
});

it.each(bmcFailures)('a BMC %s fails as a real one does', async (_, fault, code, power) => {
  const { bmc, machine } = unused();
  bmc.faults.add(fault);
  const outcome = await new SimulatedPowerDriver(rack).on(bmc.address).then(
    () => ({ code: 'none' }),
    (error: unknown) => error,
  );
  expect(outcome).toMatchObject({ code });
  expect(machine.truth.power).toBe(power);
});

it('a script that fails says so, and leaves the disk half-written', async () => {
  const { machine } = unused();
  machine.faults.add({ kind: 'fails', at: 'boot-loader', message: 'no suitable disk' });
  const { id } = await spawnOn(machine);
  await machine.until(({ journal }) => journal.some((line) => line.endsWith('said failed: 204')));
  expect(machine.truth.disk).toEqual({ kind: 'half-written', instanceId: id });
});

it('a list of chunks that is not the right one is refused, before anything of the image is fetched', async () => {
  const { machine } = unused();
  const { id: imageId, sha256 } = await importImage(client, 'damaged', 1);
  await appendFile(join(controller.dataDir, 'images', `${sha256}.chunks`), '0 1 0 1 damage\n');
  const { id } = await spawnOn(machine, 'damaged');
  await expect(installed(await client.instance(id))).rejects.toThrow(
    /the list of chunks that came has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
  );
  const fetched = async () =>
    (await client.latestEvents({ instanceId: id, kind: 'http.', limit: 50 }))
      .map(({ data }) => data.path)
      .filter((path) => String(path).includes(imageId));
  await expect.poll(fetched).toEqual(Array(2).fill(`/boot/images/${imageId}/chunks`));
});

it('a fault that is taken away is over', async () => {
  const { machine } = unused();
  machine.faults.add({ kind: 'boots-network-again' });
  const instance = await spawnOn(machine);
  const asksAgain = () => machine.journal.filter((line) => line.endsWith(' configuration')).length >= 4;
  await machine.until(asksAgain);
  machine.faults.clear();
  expect(await installed(instance)).toMatchObject({ state: 'active' });
});
