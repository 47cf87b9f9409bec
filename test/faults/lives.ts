import { machineLifecycle, type Machine } from '#core';
import { type SimulatedMethod, simulatedType, type Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';

export type LifeName = 'install' | 'pool' | 'reuse' | 'destroy' | SimulatedMethod;

/** A work as an orchestrator sees it: what it asks for, and where that ends on a good day. */
interface Life {
  /** The work that has to be done before; none: it begins with a machine that is free. */
  after?: LifeName;
  begin(lab: FaultLab, slot: Slot): Promise<unknown>;
  end: Machine['state'];
}

export const asker = { kind: 'token', name: 'campaign' } as const;
let spawned = 0;

function spawn(
  lab: FaultLab,
  { machine: { name } }: Slot,
  { cluster, image = 'simulated' }: { cluster?: string; image?: string },
): Promise<unknown> {
  const wish = { hostName: name, image, instanceType: simulatedType.name, machine: name, cluster };
  const key = `${name}-${++spawned}`;
  return lab.ask(() => lab.client.spawn(wish, key));
}

export const lives: Record<LifeName, Life> = {
  install: { begin: (lab, slot) => spawn(lab, slot, { cluster: 'faults' }), end: 'used' },
  pool: { begin: (lab, slot) => spawn(lab, slot, {}), end: 'active' },
  reuse: { after: 'pool', begin: (lab, slot) => spawn(lab, slot, { cluster: 'faults' }), end: 'used' },
  destroy: {
    after: 'install',
    begin: async (lab, slot) => {
      const { instanceId } = await lab.find(slot);
      return instanceId !== null && lab.ask(() => lab.client.destroy(instanceId));
    },
    end: 'inactive',
  },
  image: installedBy('image'),
  netinstall: installedBy('netinstall'),
  live: installedBy('live'),
  manual: installedBy('manual'),
};

/** Of a lab that has an image for it. */
function installedBy(image: SimulatedMethod): Life {
  return { begin: (lab, slot) => spawn(lab, slot, { cluster: 'faults', image }), end: 'used' };
}

/** Brings a machine that is free to where the work begins. */
export async function prepare(lab: FaultLab, slot: Slot, life: LifeName): Promise<void> {
  const { after } = lives[life];
  if (after === undefined) return;
  const end = await come(lab, slot, after);
  if (end !== 'same') throw new Error(`${after} without any fault ended with ${end}`);
}

/** Asks for the work, and waits for its end. */
export async function come(lab: FaultLab, slot: Slot, life: LifeName): Promise<End> {
  await lives[life].begin(lab, slot);
  return endOf(lab, slot, life);
}

/** A machine with an owner is given back, so that it is free. */
export async function release(lab: FaultLab, slot: Slot): Promise<End> {
  const { state } = await lab.find(slot);
  return state === 'inactive' ? 'same' : come(lab, slot, 'destroy');
}

/** `same`: as on a good day. Else the code of the reason that the failed machine gives. */
export type End = 'same' | (string & {});

export async function endOf(lab: FaultLab, slot: Slot, life: LifeName, patienceMs?: number): Promise<End> {
  const { end } = lives[life];
  const isOver = ({ state }: Machine) => state === end || machineLifecycle[state].kind === 'failed';
  const machine = await lab.until(slot, isOver, patienceMs);
  return machine.state === end ? 'same' : (machine.lastError?.code ?? 'no reason');
}

/** A failed machine is tried again until it comes to its end, or fails once more. */
export async function mend(lab: FaultLab, slot: Slot, life: LifeName): Promise<End> {
  slot.machine.faults.clear();
  slot.bmc.faults.clear();
  await lab.second.verbs.retry((await lab.find(slot)).id, asker);
  return endOf(lab, slot, life);
}
