import { type Machine, machineLifecycle } from '#core';
import { isLegal } from '#testing';
import type { Installation, Slot } from '../simulated-rack/index.js';
import type { FaultLab } from './fault-lab.js';

/** What must never be, as sentences about what is; first from what the simulated machine went through, then from the records. */
export async function violationsOn(lab: FaultLab, slot: Slot): Promise<string[]> {
  const machine = await lab.find(slot);
  const { instanceId } = machine;
  const instance = instanceId === null ? null : await lab.ask(() => lab.second.instances.get(instanceId));
  const found = [
    ...slot.machine.truth.installations.flatMap(violationOf),
    ...twiceIn(slot.machine.truth.handOvers).map((id) => `was handed over to ${id} twice`),
    ...atRest(machine, slot, instance?.installMethod === 'live'),
    ...withoutReason(machine),
  ];
  if (!isLegal(machine.state, instance?.state ?? null))
    found.push(`is ${machine.state} with an instance that is ${instance?.state ?? 'not there'}`);
  return found.map((what) => `${machine.name} ${what}`);
}

/** Instances and machines that name one another, over the whole rack: nobody is left out, nobody is there twice. */
export async function violationsOfAll(lab: FaultLab): Promise<string[]> {
  const { client } = lab.second.database;
  const lost = await lab.ask(
    () => client.$queryRaw<{ id: string; state: string }[]>`
      SELECT i.id, i.state::text FROM instances i LEFT JOIN machines m ON m.instance_id = i.id
      WHERE i.state <> 'deleted' AND m.id IS NULL`,
  );
  const running = lab.slots.flatMap(
    ({
      machine: {
        name,
        truth: { inside },
      },
    }) => ('os' in inside && inside.os.instanceId !== null ? [{ name, id: inside.os.instanceId }] : []),
  );
  const twice = running.filter(({ id }, index) => running.findIndex((other) => other.id === id) !== index);
  return [
    ...lost.map(({ id, state }) => `instance ${id} is ${state} and on no machine`),
    ...twice.map(({ name, id }) => `instance ${id} runs on ${name} and on another machine`),
  ];
}

const twiceIn = (ids: readonly string[]) => ids.filter((id, index) => ids.indexOf(id) !== index);

function violationOf({ instanceId, before }: Installation): string[] {
  if (before.kind === 'half-wiped') return [`was given to ${instanceId} half-wiped`];
  if (before.kind === 'half-written' && before.instanceId !== instanceId)
    return [`was given to ${instanceId} with what ${before.instanceId} had begun to write`];
  if (before.kind !== 'installed') return [];
  if (before.os.pooled) return []; // it had no owner: an OS of the pool that did not take its new one
  if (before.os.instanceId !== instanceId)
    return [`was given to ${instanceId} with the disk of ${before.os.instanceId}`];
  return before.os.reported ? [`was installed a second time for ${instanceId}, which was done`] : [];
}

function atRest({ state, instanceId }: Machine, { machine: { truth } }: Slot, isInMemory: boolean): string[] {
  if (state === 'inactive') {
    const free = truth.disk.kind === 'wiped' && instanceId === null;
    return free ? [] : [`is free with a disk that is ${truth.disk.kind} and the instance ${instanceId}`];
  }
  if (state !== 'used' && state !== 'active') return [];
  const { disk, inside } = truth;
  if (isInMemory) {
    const own = inside.kind === 'os-in-memory' && inside.os.instanceId === instanceId;
    return own ? [] : [`is ${state} with ${inside.kind} inside, not the OS of ${instanceId} in memory`];
  }
  const own = disk.kind === 'installed' && disk.os.instanceId === instanceId;
  return own ? [] : [`is ${state} with a disk that is ${disk.kind}, not installed for ${instanceId}`];
}

function withoutReason({ state, lastError }: Machine): string[] {
  if (machineLifecycle[state].kind !== 'failed') return [];
  if (lastError?.code && lastError.message && (lastError.remedy || lastError.code === 'internal')) return [];
  return [`is ${state} and does not say why: ${JSON.stringify(lastError)}`];
}
