import { Injectable } from '@nestjs/common';
import { type Instance, isAtOperator, type Machine, type TimelineEvent } from '#core';
import type { InstanceView, InstanceWait } from '#contract';
import { Clock } from '#platform';
import { OperatorCalls } from '#provisioning';
import { ConfigDriveStore, ImageStore, MachineStore } from '#store';
import { hasReached } from './instance-waits.js';
import { instanceViewOf } from './views.js';

/** Instances with what their machines and images say of them. */
@Injectable()
export class InstanceReader {
  constructor(
    private readonly machines: MachineStore,
    private readonly images: ImageStore,
    private readonly drives: ConfigDriveStore,
    private readonly calls: OperatorCalls,
    private readonly clock: Clock,
  ) {}

  async view(instance: Instance): Promise<InstanceView> {
    const [view] = await this.views([instance]);
    return view as InstanceView; // one in, one out
  }

  /** Three queries however many there are, and two for each whose person is called. */
  async views(instances: Instance[]): Promise<InstanceView[]> {
    const [machines, images, drives] = await Promise.all([
      this.machines.byIds(present(instances.map(({ machineId }) => machineId))),
      this.images.byIds(present(instances.map(({ imageId }) => imageId))),
      this.drives.among(instances.map(({ id }) => id)),
    ]);
    const machineOf = new Map(machines.map((machine) => [machine.id, machine]));
    const imageOf = new Map(images.map((image) => [image.id, image]));
    const seen = instances.map(async (instance) => {
      const machine = machineOn(instance, machineOf);
      const readyMadeDrive = drives.has(instance.id);
      const image = (instance.imageId !== null && imageOf.get(instance.imageId)) || null;
      const call = machine && (await this.callTo(machine));
      return instanceViewOf({ instance, machine, image, call, readyMadeDrive }, this.clock.now());
    });
    return Promise.all(seen);
  }

  /** One look of a client that waits. Throws DomainError `instance-failed` when it waits in vain. */
  async look(instance: Instance, wait: InstanceWait): Promise<{ instance: Instance; reached: boolean }> {
    const [machine = null] = await this.machines.byIds(present([instance.machineId]));
    return { instance, reached: hasReached(wait, { instance, machine }) };
  }

  private async callTo(machine: Machine): Promise<TimelineEvent | null> {
    if (!isAtOperator(machine)) return null;
    return (await this.calls.told(machine))?.called ?? null;
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
