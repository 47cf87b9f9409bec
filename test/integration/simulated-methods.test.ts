import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  ControllerProcess,
  enrol,
  importFor,
  importImage,
  type MachineBody,
  type Moment,
  Operator,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';

/** Where a machine is struck in the midst of each method, and how often its power is switched on and its disk written all the same. */
const midst: [image: string, at: Moment, powerOns: number, writes: number][] = [
  ['copy', 'image', 2, 1],
  ['image', 'image', 2, 1],
  ['netinstall', 'begin', 2, 1],
  ['netinstall', 'image', 2, 1],
  ['live', 'installed', 1, 0],
  ['manual', 'disk', 1, 1],
];
/** What is half written is written anew when the machine has lost its power. */
const isLost = (at: Moment) => at === 'image';

/** Of answer files that no machine above is given. */
const otherFormats = ['autoinstall', 'kickstart', 'autoyast'] as const;

const waitSeconds = 50;

let rack: SimulatedRack;
let controller: ControllerProcess;
let client: DodaiClient;
let operator: Operator;

beforeAll(async () => {
  rack = new SimulatedRack({ bmcTimeoutMs: 100, behaviour: { retryMs: 200 } });
  rack.add(2 * midst.length + otherFormats.length);
  controller = await ControllerProcess.start(rack, { environment: { DODAI_RETRIES: '0' } });
  client = await controller.client();
  await Promise.all([
    importImage(client, 'copy'),
    ...(['image', 'netinstall', 'live', 'manual'] as const).map((method) => importFor(client, method)),
    ...otherFormats.map((format) => importFor(client, 'netinstall', format)),
  ]);
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', rack.slots.length);
  operator = new Operator(client, rack);
});
afterAll(async () => {
  rack?.stop();
  await operator?.leave();
  await controller?.end();
});

const works = () =>
  [false, true].flatMap((losesPower, group) =>
    midst.map(([image, at, powerOns, writes], index) => {
      const slot = rack.slots[group * midst.length + index];
      if (!slot) throw new Error('there are too few machines');
      return { machine: slot.machine, losesPower, image, at, powerOns, writes };
    }),
  );

/** Resolves when each machine has come to its moment for the first time, where it stays until it is let go. */
function standstill(where: ReadonlyMap<MachineBody, Moment>): { stand: Promise<void>; go: () => void } {
  const due = new Map(where);
  let go = () => {};
  const gone = new Promise<void>((resolve) => (go = resolve));
  const stand = new Promise<void>((resolve) => {
    rack.world.hooks.onMoment = async (machine, moment) => {
      if (due.get(machine) !== moment) return;
      due.delete(machine);
      if (due.size === 0) resolve();
      await gone;
    };
  });
  return { stand, go };
}

const spawnOn = ({ name }: MachineBody, image: string): Promise<InstanceView> =>
  client.spawn({ hostName: name, image, instanceType: simulatedType.name, machine: name });

it('a controller that is killed, and machines that lose their power, in the midst of each method harm nothing', async () => {
  const { stand, go } = standstill(new Map(works().map(({ machine, at }) => [machine, at])));
  const instances = await Promise.all(works().map(({ machine, image }) => spawnOn(machine, image)));
  await stand;
  await controller.kill();
  for (const { machine, losesPower } of works()) if (losesPower) machine.powerOff();
  go();
  await controller.startAgain();
  for (const { machine } of works().filter(({ losesPower }) => losesPower)) {
    await client.askMachine(machine.name, 'abort');
    await client.askMachine(machine.name, 'retry');
  }

  const ended = instances.map(({ id }) => client.waitForInstance(id, 'installed', waitSeconds));
  expect((await Promise.all(ended)).map(({ state }) => state)).toEqual(instances.map(() => 'active'));
  for (const { machine, losesPower, image, at, powerOns, writes } of works()) {
    const { truth, journal } = machine;
    const again = losesPower ? 1 : 0;
    expect(truth, `${image}: ${journal.join(', ')}`).toMatchObject({
      power: 'on',
      powerOns: powerOns + again,
      resets: 0,
    });
    const completed = truth.installations.map((installation) => installation.completed);
    expect(completed).toEqual([
      ...Array(losesPower && isLost(at) ? 1 : 0).fill(false),
      ...Array(writes).fill(true),
    ]);
  }
});

it.concurrent.each(otherFormats)('an installer that takes %s finds its answers, and ends', async (format) => {
  const slot = rack.slots[2 * midst.length + otherFormats.indexOf(format)];
  if (!slot) throw new Error('there are too few machines');
  const { id } = await spawnOn(slot.machine, format);
  expect(await client.waitForInstance(id, 'installed', waitSeconds)).toMatchObject({ state: 'active' });
  expect(slot.machine.truth).toMatchObject({ powerOns: 2, installations: [{ completed: true }] });
});

it('an OS in memory is the same one at every start', async () => {
  const machine = works().find(({ image }) => image === 'live')?.machine;
  const inside = machine?.truth.inside;
  if (!machine || inside?.kind !== 'os-in-memory') throw new Error('nothing runs in memory');
  const words = () => machine.journal.filter((line) => line.endsWith('said installed: 204')).length;
  const before = words();
  machine.reset();
  await machine.until(() => words() === before + 1);
  expect(machine.truth.inside).toEqual(inside);
  const { id, state, hostName } = await client.instance(inside.os.instanceId ?? '');
  expect({ state, os: { instanceId: id, hostName } }).toEqual({ state: 'active', os: inside.os });
});
