import type { Instance, Machine } from '#core';
import type { Clock } from '#platform';
import type { EventStore, ImageStore, InstanceStore, MachineStore } from '#store';
import type { Site } from './evidence.js';
import { explain, type Explanation } from './explain.js';
import { gather } from './gather.js';

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  events: EventStore;
}

/** An explanation, and whom it is about. */
export interface Answer extends Explanation {
  machine: Machine | null;
  instance: Instance | null;
}

/** Answers where a machine or an instance stands, since when, what was last seen, what is missing and what to check next. */
export class Why {
  constructor(
    private readonly stores: Stores,
    private readonly clock: Clock,
    private readonly site: Site,
  ) {}

  async machine(machine: Machine): Promise<Answer> {
    const { instances, images, events } = this.stores;
    const instance = machine.instanceId === null ? null : await instances.get(machine.instanceId);
    const [image = null] = await images.byIds(instance?.imageId ? [instance.imageId] : []);
    const { site } = this;
    const evidence = await gather(events, { machine, instance, image, site, now: this.clock.now() });
    return { ...explain(evidence), machine, instance };
  }

  /** Of an instance that is on a machine it is what is said of the machine. */
  async instance(instance: Instance): Promise<Answer> {
    const machine = instance.machineId === null ? null : await this.stores.machines.byId(instance.machineId);
    const isOnIt = machine?.instanceId === instance.id;
    if (machine && isOnIt && instance.state !== 'deleted') return this.machine(machine);
    const answer = machine && isOnIt ? await this.machine(machine) : null;
    return { ...gone(instance, machine), ...(answer && { findings: answer.findings }), machine, instance };
  }
}

function gone({ hostName, deletedAt, createdAt }: Instance, machine: Machine | null): Explanation {
  const where = machine ? ` It was on ${machine.name}, which is now ${machine.state}.` : '';
  return {
    headline: `${hostName} is deleted.${where}`,
    since: deletedAt ?? createdAt,
    lastSeen: null,
    awaits: null,
    until: null,
    findings: [],
    nextVerbs: [],
  };
}
