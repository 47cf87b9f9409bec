import {
  DomainError,
  failureEvent,
  isAtOperator,
  isWorking,
  type LastError,
  type Machine,
  powerVerbOrders,
  type PowerOrderVerb,
  type Instance,
  type Verb,
} from '#core';
import type { Clock, WakeQueue } from '#platform';
import type {
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  MachinePatch,
  MachineStore,
} from '#store';
import type { Asker } from './asker.js';
import type { Bmc } from './bmc.js';
import { checkTaken, marked } from './refusal.js';
import type { InstallMethods } from './methods/install-methods.js';
import { weighAnew } from './stale.js';

/** Bare orders to a BMC, as against the verbs of the life cycle. */
export const powerVerbs = ['on', 'off', 'soft', 'reset', 'cycle'] as const;
export type PowerVerbName = (typeof powerVerbs)[number];

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

interface Host {
  queue: WakeQueue;
  clock: Clock;
  methods: InstallMethods;
}

/** What a verb is done to: a machine by its id, or the machine that an instance is on. */
export type Target = string | { instanceId: string };

/** Verbs that move a machine in its life cycle and need to be told nothing more. */
type PlainVerb = 'verify' | 'retry' | 'abort' | 'destroy' | 'force_destroy';

/**
 * What a person or an orchestrator asks of a machine. A verb records the wish and wakes the conductor, which does the
 * work. A verb that is not taken now throws `verb-not-allowed`, `machine-locked` or `machine-in-maintenance`. A machine that
 * moves on between the look and the change is looked at again.
 */
export class Verbs {
  constructor(
    private readonly stores: Stores,
    private readonly writer: LifecycleWriter,
    private readonly bmc: Bmc,
    private readonly host: Host,
  ) {}

  /** Checks the BMC of a machine that is not in use. */
  verify(machineId: string, asker: Asker): Promise<Machine> {
    return this.ask(machineId, 'verify', asker, (name) => `has the BMC of ${name} checked`);
  }

  /** Tries a failed work again, from the stage that failed. */
  retry(target: Target, asker: Asker): Promise<Machine> {
    return this.ask(target, 'retry', asker, (name) => `has the failed work on ${name} tried again`);
  }

  /** Ends the work under way; the machine is then in its failed state. What runs on it is left running. */
  abort(target: Target, asker: Asker): Promise<Machine> {
    return this.ask(target, 'abort', asker, (name) => `aborts the work on ${name}`, {
      code: 'aborted',
      message: `The work was aborted by ${asker.name}.`,
      remedy:
        'Retry it, rebuild or destroy the instance; the machine is left as it stands, switched on or not.',
    });
  }

  /** The person who was called has installed the machine: it is started anew, and its OS has to come up by itself. */
  manualDone(target: Target, asker: Asker): Promise<Machine> {
    return this.take(target, 'manual_done', (machine) => {
      const message = `${asker.name} has installed ${machine.name}`;
      return this.writer.advanceStage(machine, 'install_reboot', { message, data: { asker } });
    });
  }

  /** The person who was called could not do it. */
  manualFailed(target: Target, reason: string, asker: Asker): Promise<Machine> {
    return this.take(target, 'manual_failed', (machine) => {
      const error = {
        code: 'operator-failed',
        message: `${asker.name} could not install ${machine.name}: ${reason}`,
        remedy: 'Mend what they say, then retry: they are called again.',
        at: this.host.clock.now().toISOString(),
      };
      const change = { message: error.message, data: { asker }, error };
      return this.writer.advance(machine, failureEvent(machine.state), change);
    });
  }

  /** Wipes the machine and gives it back. An instance that is being deleted, or is deleted, is answered as it is. */
  destroy(instanceId: string, asker: Asker): Promise<Instance> {
    return weighAnew(async () => {
      const instance = await this.stores.instances.get(instanceId);
      const { state, machineId, hostName } = instance;
      if (state === 'deleted' || state === 'deleting' || !machineId) return instance;
      await this.askOnce(machineId, 'destroy', asker, (name) => `destroys ${hostName} on ${name}`);
      return this.stores.instances.get(instanceId);
    });
  }

  /**
   * Gives the instance up at once, whatever its BMC does. Its machine was not wiped, so nobody gets it: it is
   * `delete_failed` until a retry has wiped it, or it is removed from the inventory.
   */
  forceDestroy(instanceId: string, asker: Asker): Promise<Instance> {
    return weighAnew(async () => {
      const instance = await this.stores.instances.get(instanceId);
      if (instance.state === 'deleted' || !instance.machineId) return instance;
      const sentence = (name: string) => `gives up ${instance.hostName} on ${name}, which is not wiped`;
      await this.askOnce(instance.machineId, 'force_destroy', asker, sentence, {
        code: 'not-wiped',
        message: `${instance.hostName} was given up by ${asker.name}; the disks were not wiped.`,
        remedy: 'Retry wipes the machine when its BMC answers again; or remove it from the inventory.',
      });
      return this.stores.instances.get(instanceId);
    });
  }

  /** Installs the instance anew, from its own image or another; what is on the disk is lost. */
  async rebuild(instanceId: string, image: string | undefined, asker: Asker): Promise<Instance> {
    const instance = await this.stores.instances.get(instanceId);
    const chosen = await this.stores.images.find(image ?? instance.imageId ?? noImage(instance));
    const type = await this.stores.types.get(instance.instanceType);
    const kept = image === undefined ? (instance.installMethod ?? undefined) : undefined;
    const method = this.host.methods.choose(chosen, type, kept);
    const message = `${asker.name} rebuilds ${instance.hostName} from the image ${chosen.name}`;
    await this.take({ instanceId }, 'rebuild', (machine) => {
      method.checkOn(machine, chosen, type);
      method.checkConfigured({ machine, image: chosen, type, instance: { ...instance, imageId: chosen.id } });
      const installed = { imageId: chosen.id, installMethod: method.name };
      return this.writer.rebuild(machine, installed, { message, data: { asker } });
    });
    return this.stores.instances.get(instanceId);
  }

  /** start, stop, reboot, power_cycle. `hard`: stop cuts the power instead of asking the OS first. */
  async orderPower(
    target: Target,
    verb: PowerOrderVerb,
    asker: Asker,
    { hard = false }: { hard?: boolean } = {},
  ): Promise<Machine> {
    const order = verb === 'stop' && hard ? 'stopping_hard' : powerVerbOrders[verb];
    return this.take(target, verb, (machine) => {
      const message = `${asker.name} asks for ${verb}${hard ? ' (hard)' : ''} of ${machine.name}`;
      return this.writer.orderPower(machine, order, { message, data: { asker, verb } });
    });
  }

  /** In maintenance a machine is given to no new owner. */
  async maintain(machineId: string, reason: string | null, asker: Asker): Promise<Machine> {
    const did = reason === null ? 'ends the maintenance of' : 'puts into maintenance';
    return weighAnew(async () => {
      const verb = reason === null ? 'leave_maintenance' : 'enter_maintenance';
      const machine = await this.taking(machineId, verb);
      return this.writer.mark(machine, 'maintenance', this.mark(reason, asker), {
        message: `${asker.name} ${did} ${machine.name}${reason === null ? '' : `: ${reason}`}`,
        data: { asker, verb: 'maintenance', reason },
      });
    });
  }

  /** A locked machine takes no verb that ends or interrupts what runs on it. */
  async lock(target: Target, reason: string | null, asker: Asker): Promise<Machine> {
    const verb = reason === null ? 'unlock' : 'lock';
    return weighAnew(async () => {
      const machine = await this.taking(target, verb);
      return this.writer.mark(machine, 'locked', this.mark(reason, asker), {
        message: `${asker.name} ${verb}s ${machine.name}${reason === null ? '' : `: ${reason}`}`,
        data: { asker, verb, reason },
      });
    });
  }

  /** A bare order to the BMC. Refused while dodai itself is working on the machine; a person that was called to it needs it. */
  async power(machineId: string, verb: PowerVerbName, asker: Asker): Promise<Machine> {
    const machine = await this.stores.machines.get(machineId);
    const isBusy = isWorking(machine.state) && !isAtOperator(machine);
    if (isBusy || machine.powerOrder) throw busy(machine, `power ${verb}`);
    if (machine.locked && verb !== 'on') throw marked(machine, `power ${verb}`, 'locked');
    await this.writer.note(machine, {
      message: `${asker.name} asks for power ${verb}`,
      data: { asker, verb },
    });
    await this.bmc.order(machine, verb === 'soft' ? 'softOff' : verb);
    return this.stores.machines.get(machineId);
  }

  /** Changes the description of a machine; while it is being worked on only its labels. */
  async change(machineId: string, patch: MachinePatch, asker: Asker): Promise<Machine> {
    const machine = await this.stores.machines.get(machineId);
    const onlyLabels = Object.keys(patch).every((field) => field === 'labels');
    if (isWorking(machine.state) && !onlyLabels) throw busy(machine, 'this change');
    return this.stores.machines.update(machineId, patch, asker.name);
  }

  /** Throws DomainError `machine-in-use` while an instance is on it or work is under way. */
  async removeMachine(machineId: string, asker: Asker): Promise<void> {
    const machine = await this.stores.machines.get(machineId);
    if (machine.locked) throw marked(machine, 'removal', 'locked');
    const inUse = isWorking(machine.state) || (await this.hasInstance(machine));
    if (!inUse && (await this.stores.machines.remove(machine, asker.name))) return;
    throw new DomainError('machine-in-use', `${machine.name} is ${machine.state} and cannot be removed.`, {
      remedy:
        'Destroy its instance and wait until the machine is inactive; force_destroy when its BMC is gone.',
    });
  }

  /** A machine that was given up by force keeps the name of the instance whose data may still be on it. */
  private async hasInstance({ instanceId }: Machine): Promise<boolean> {
    return instanceId !== null && (await this.stores.instances.get(instanceId)).state !== 'deleted';
  }

  private ask(...asked: Parameters<Verbs['askOnce']>): Promise<Machine> {
    return weighAnew(() => this.askOnce(...asked));
  }

  private async askOnce(
    target: Target,
    verb: PlainVerb,
    asker: Asker,
    sentence: (machine: string) => string,
    error?: Omit<LastError, 'at'>,
  ): Promise<Machine> {
    const machine = await this.taking(target, verb);
    const at = this.host.clock.now().toISOString();
    return this.wake(
      await this.writer.advance(machine, verb, {
        message: `${asker.name} ${sentence(machine.name)}`,
        data: { asker },
        ...(error && { error: { ...error, at } }),
      }),
    );
  }

  private take(target: Target, verb: Verb, change: (machine: Machine) => Promise<Machine>): Promise<Machine> {
    return weighAnew(async () => this.wake(await change(await this.taking(target, verb))));
  }

  private async machineOf(instanceId: string, verb: Verb): Promise<Machine> {
    const { state, hostName, machineId } = await this.stores.instances.get(instanceId);
    const machine =
      state === 'deleted' || machineId === null ? null : await this.stores.machines.get(machineId);
    if (machine?.instanceId === instanceId) return machine; // it may be another's since
    throw new DomainError('verb-not-allowed', `${verb} is not possible: ${hostName} is deleted.`, {
      remedy: 'Spawn a new instance.',
      context: { state: 'deleted', verb },
    });
  }

  private async taking(target: Target, verb: Verb): Promise<Machine> {
    const machine =
      typeof target === 'string'
        ? await this.stores.machines.get(target)
        : await this.machineOf(target.instanceId, verb);
    checkTaken(verb, machine);
    return machine;
  }

  private mark(reason: string | null, asker: Asker) {
    return reason === null ? null : { reason, by: asker.name, at: this.host.clock.now().toISOString() };
  }

  private async wake(machine: Machine): Promise<Machine> {
    await this.host.queue.wake(machine.id);
    return machine;
  }
}

function noImage({ hostName }: Instance): never {
  throw new DomainError('invalid-request', `${hostName} was adopted and has no image to be rebuilt from.`, {
    remedy: 'Name an image.',
    context: { field: 'image' },
  });
}

function busy(machine: Machine, what: string): DomainError {
  return new DomainError(
    'verb-not-allowed',
    `${what} is refused while ${machine.name} is ${machine.powerOrder ?? machine.state}.`,
    {
      remedy: 'Wait until that work has ended.',
      context: { state: machine.state, stage: machine.stage },
    },
  );
}
