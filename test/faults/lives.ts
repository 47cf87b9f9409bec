import { machineLifecycle, type Machine } from '#core';
import type { Slot } from '../simulated-rack/index.js';
import { simulatedType } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';

export type LifeName = 'install' | 'destroy';

/** A work as an orchestrator sees it: what it asks for, and where that ends on a good day. */
interface Life {
  begin(lab: FaultLab, slot: Slot): Promise<unknown>;
  end: Machine['state'];
}

export const asker = { kind: 'token', name: 'campaign' } as const;
let spawned = 0;

/**
 * Handing over a pool machine has its place here: a third life, from `active` to `used`, as soon as the machines of the rack take
 * a new owner.
 */
export const lives: Record<LifeName, Life> = {
  install: {
    begin: (lab, { machine: { name } }) => {
      const wish = { hostName: name, image: 'simulated', instanceType: simulatedType.name, machine: name };
      const key = `${name}-${++spawned}`;
      return lab.ask(() => lab.client.spawn({ ...wish, cluster: 'faults' }, key));
    },
    end: 'used',
  },
  destroy: {
    begin: async (lab, slot) => {
      const { instanceId } = await lab.find(slot);
      return instanceId !== null && lab.ask(() => lab.client.destroy(instanceId));
    },
    end: 'inactive',
  },
};

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
