import { DomainError, type Instance, type LastError, type Machine } from '#core';
import type { InstanceWait } from '#contract';

/** What a client that waits may look at. */
export interface Waited {
  instance: Instance;
  /** null: it has none any more. */
  machine: Pick<Machine, 'powerOrder' | 'lastError'> | null;
}

/** Whether the instance has come where it is awaited. Throws DomainError `instance-failed` when it will not. */
export function hasReached(wait: InstanceWait, { instance, machine }: Waited): boolean {
  const { state } = instance;
  if (wait === 'deleted' && state === 'deleted') return true;
  if (state === 'error') throw failed(instance, instance.lastError);
  if (wait === 'deleted') return false;
  if (state === 'deleting' || state === 'deleted') throw goingAway(instance, wait);
  if (wait === 'installed') return state !== 'building';
  if (state === 'building' || machine?.powerOrder) return false;
  if (state === wait) return true;
  if (machine?.lastError) throw failed(instance, machine.lastError); // the order came to nothing
  return false;
}

function failed({ id, hostName }: Instance, error: LastError | null): DomainError {
  return new DomainError(
    'instance-failed',
    `${hostName} failed: ${error?.message ?? 'no reason was given'}`,
    {
      context: { instanceId: id, error },
      remedy: error?.remedy ?? 'Look at its events for what happened, then retry, rebuild or destroy it.',
    },
  );
}

function goingAway({ id, hostName, state }: Instance, wait: InstanceWait): DomainError {
  return new DomainError('instance-failed', `${hostName} is ${state}: it will not be ${wait}.`, {
    context: { instanceId: id },
    remedy: 'Spawn a new instance.',
  });
}
