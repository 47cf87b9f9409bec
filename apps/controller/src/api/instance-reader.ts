import { Injectable } from '@nestjs/common';
import { DomainError, type Instance } from '#core';
import type { InstanceView, InstanceWait } from '#contract';
import { Clock } from '#platform';
import { ImageStore, InstanceStore, MachineStore } from '#store';
import { instanceViewOf } from './views.js';

/** Instances with what their machines and images say of them. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly instances: InstanceStore,
    private readonly machines: MachineStore,
    private readonly images: ImageStore,
    private readonly clock: Clock,
  ) {}

  async view(instance: Instance): Promise<InstanceView> {
    const [view] = await this.views([instance]);
    return view as InstanceView; // one in, one out
  }

  /** Two queries however many there are. */
  async views(instances: Instance[]): Promise<InstanceView[]> {
    const [machines, images] = await Promise.all([
      this.machines.byIds(present(instances.map(({ machineId }) => machineId))),
      this.images.byIds(present(instances.map(({ imageId }) => imageId))),
    ]);
    const machineOf = new Map(machines.map((machine) => [machine.id, machine]));
    const imageOf = new Map(images.map((image) => [image.id, image]));
    const now = this.clock.now();
    return instances.map((instance) =>
      instanceViewOf(
        {
          instance,
          machine: (instance.machineId !== null && machineOf.get(instance.machineId)) || null,
          image: (instance.imageId !== null && imageOf.get(instance.imageId)) || null,
        },
        now,
      ),
    );
  }

  /** One look of a client that waits. Throws DomainError `instance-failed` when it waits in vain. */
  async look(id: string, wait: InstanceWait): Promise<{ instance: Instance; reached: boolean }> {
    const instance = await this.instances.get(id);
    const { state } = instance;
    if (state === (wait === 'installed' ? 'active' : 'deleted')) return { instance, reached: true };
    if (state === 'error') throw failed(instance);
    if (wait === 'installed' && state !== 'building') throw goingAway(instance);
    return { instance, reached: false };
  }
}

function present(ids: (string | null)[]): string[] {
  return [...new Set(ids)].filter((id) => id !== null);
}

function failed({ id, hostName, lastError }: Instance): DomainError {
  return new DomainError(
    'instance-failed',
    `${hostName} failed: ${lastError?.message ?? 'no reason was given'}`,
    {
      context: { instanceId: id, error: lastError },
      remedy: lastError?.remedy ?? 'Look at its events for what happened, then destroy it.',
    },
  );
}

function goingAway({ id, hostName, state }: Instance): DomainError {
  return new DomainError('instance-failed', `${hostName} is ${state}: it will not be installed.`, {
    context: { instanceId: id },
    remedy: 'Spawn a new instance.',
  });
}
