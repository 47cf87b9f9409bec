import type { InstanceStore, LifecycleWriter } from '#store';
import { moved, type Step } from '../outcome.js';

/** The machine is its owner's, or waits in the pool for one. */
export function intoService(instances: InstanceStore, writer: LifecycleWriter): Step {
  return async (machine) => {
    const { cluster, reusedInstanceId } = await instances.get(machine.instanceId ?? '');
    const place = cluster === null ? 'in the resource pool' : `in the cluster ${cluster}`;
    const how =
      reusedInstanceId === null || machine.state === 'installing' ? 'is installed' : 'has a new owner';
    await writer.advance(machine, cluster === null ? 'installed_for_pool' : 'installed_for_cluster', {
      message: `${machine.name} ${how} and ${place}`,
    });
    return moved;
  };
}
