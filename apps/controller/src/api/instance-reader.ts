import { Injectable } from '@nestjs/common';
import type { Instance, Machine } from '#core';
import type { InstanceView, InstanceWait } from '#contract';
import { Clock } from '#platform';
import { ConfigDriveStore, ImageStore, InstanceStore, MachineStore } from '#store';
import { hasReached } from './instance-waits.js';
import { instanceViewOf } from './views.js';

/** Instances with what their machines and images say of them. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly instances: InstanceStore,
    private readonly machines: MachineStore,
    private readonly images: ImageStore,
    private readonly drives: ConfigDriveStore,
    private readonly clock: Clock,
  ) {}

  async view(instance: Instance): Promise<InstanceView> {
    const [view] = await this.views([instance]);
    return view as InstanceView; // one in, one out
  }

  /** Three queries however many there are. */
  async views(instances: Instance[]): Promise<InstanceView[]> {
    const [machines, images, drives] = await Promise.all([
      this.machines.byIds(present(instances.map(({ machineId }) => machineId))),
      this.images.byIds(present(instances.map(({ imageId }) => imageId))),
      this.drives.among(instances.map(({ id }) => id)),
    ]);
    const machineOf = new Map(machines.map((machine) => [machine.id, machine]));
    const imageOf = new Map(images.map((image) => [image.id, image]));
    const now = this.clock.now();
    return instances.map((instance) =>
      instanceViewOf(
        {
          instance,
          machine: machineOn(instance, machineOf),
          readyMadeDrive: drives.has(instance.id),
          image: (instance.imageId !== null && imageOf.get(instance.imageId)) || null,
        },
        now,
      ),
    );
  }

  /** One look of a client that waits. Throws DomainError `instance-failed` when it waits in vain. */
  async look(id: string, wait: InstanceWait): Promise<{ instance: Instance; reached: boolean }> {
    const instance = await this.instances.get(id);
    const [machine = null] = await this.machines.byIds(present([instance.machineId]));
    return { instance, reached: hasReached(wait, { instance, machine }) };
  }
}

/** The machine that it was on may be another's since. */
function machineOn({ id, machineId }: Instance, machineOf: Map<string, Machine>): Machine | null {
  const machine = machineId === null ? undefined : machineOf.get(machineId);
  return machine?.instanceId === id ? machine : null;
}

function present(ids: (string | null)[]): string[] {
  return [...new Set(ids)].filter((id) => id !== null);
}
