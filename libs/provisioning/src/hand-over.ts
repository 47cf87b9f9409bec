import { DomainError, type Instance, type Machine } from '#core';
import type { Config, SecretBox } from '#platform';
import type { InstanceStore, MachineStore } from '#store';
import type { TemplateRenderer } from '#templates';
import { ownerContext } from './configuring/owner-context.js';
import { checkInstanceToken, instanceToken } from './instance-tokens.js';

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
}

/** What becomes of a machine that waits in the pool. */
export type Ownership = { owner: null } | { owner: Instance; script: string };

/** Hands pool machines over: the OS on one asks, as its pool instance, who its owner is, and is given the script that makes it theirs. */
export class HandOver {
  constructor(
    private readonly stores: Stores,
    private readonly renderer: TemplateRenderer,
    private readonly config: Pick<Config, 'publicUrl' | 'metadata'>,
    private readonly box: SecretBox,
  ) {}

  /** The machine that asks. Throws DomainError `notify-forbidden`, `instance-not-found`, `not-in-pool`. */
  async machineOf(instanceId: string, token: string): Promise<Machine> {
    checkInstanceToken(this.box, instanceId, token);
    const { pooled, machineId, hostName } = await this.stores.instances.get(instanceId);
    const machine = pooled && machineId !== null ? await this.stores.machines.byId(machineId) : null;
    if (!machine) throw notInPool(hostName);
    return machine;
  }

  /**
   * The owner that was found for the machine of this pool instance; null: none yet. Throws DomainError `not-in-pool` when it
   * no longer waits for one: it was handed over, or is installed or wiped.
   */
  async look(poolInstanceId: string): Promise<Ownership> {
    const pool = await this.stores.instances.get(poolInstanceId);
    const machine = pool.machineId === null ? null : await this.stores.machines.byId(pool.machineId);
    if (pool.pooled && machine?.instanceId === pool.id) return { owner: null };
    const isOffered = machine?.state === 'handing_over' && machine.stage === 'offered';
    const owner =
      isOffered && machine.instanceId ? await this.stores.instances.get(machine.instanceId) : null;
    if (!machine || owner?.reusedInstanceId !== pool.id) throw notInPool(pool.hostName);
    return { owner, script: await this.render(owner, machine) };
  }

  private render(owner: Instance, machine: Machine): Promise<string> {
    return this.renderer.render('hand-over.sh', {
      ...ownerContext(owner, machine, this.config),
      instanceId: owner.id,
      controllerUrl: this.config.publicUrl,
      token: instanceToken(this.box, owner.id),
    });
  }
}

function notInPool(hostName: string): DomainError {
  return new DomainError('not-in-pool', `${hostName} does not wait in the resource pool for an owner.`, {
    remedy: 'Whatever still asks runs on a machine that has an owner, or that is being installed or wiped.',
  });
}
