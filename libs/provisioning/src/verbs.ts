import { createHash } from 'node:crypto';
import {
  DomainError,
  type Image,
  type Instance,
  type InstanceType,
  isWorking,
  type Machine,
  partitionsMib,
} from '#core';
import type { WakeQueue } from '#platform';
import type {
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  MachinePatch,
  MachineStore,
  Reservation,
} from '#store';
import pRetry from 'p-retry';
import type { Bmc } from './bmc.js';

const mib = 1024 * 1024;

type Idempotency = NonNullable<Reservation['idempotency']>;

/** Who asks, for the timeline. */
export interface Asker {
  kind: 'token';
  name: string;
}

export interface SpawnRequest {
  hostName: string;
  /** Id or name. */
  image: string;
  instanceType: string;
  /** Id or name of the only machine that will do. */
  machine?: string;
  /** Without one the machine stays in the resource pool. */
  cluster?: string;
  vlanId?: number;
  sshKeys: string[];
}

export const powerVerbs = ['on', 'off', 'soft', 'reset', 'cycle'] as const;
export type PowerVerbName = (typeof powerVerbs)[number];

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

/** What a person or an orchestrator asks for. A verb records the wish and wakes the conductor, which does the work. */
export class Verbs {
  constructor(
    private readonly stores: Stores,
    private readonly writer: LifecycleWriter,
    private readonly queue: WakeQueue,
    private readonly bmc: Bmc,
  ) {}

  /** Checks the BMC of a machine that is not in use. */
  async verify(machineId: string, asker: Asker): Promise<Machine> {
    const machine = await this.stores.machines.get(machineId);
    const message = `${asker.name} has the BMC of ${machine.name} checked`;
    return this.wake(await this.writer.advance(machine, 'verify', { message, data: { asker } }));
  }

  /**
   * Reserves a machine for a new instance and has it installed. The same idempotency key gives the same instance again.
   * Throws DomainError `machine-unavailable` when no machine is free, `image-too-large` when it could not fit.
   */
  async spawn(request: SpawnRequest, asker: Asker, idempotencyKey?: string): Promise<Instance> {
    const idempotency =
      idempotencyKey === undefined ? undefined : { key: idempotencyKey, requestHash: hash(request) };
    return pRetry(() => this.reserve(request, asker, idempotency), {
      retries: 1, // the same key at the same time: the second one finds what the first has made
      minTimeout: 0,
      shouldRetry: (error) => error instanceof DomainError && error.code === 'state-changed',
    });
  }

  /** Wipes the machine and gives it back. An instance that is being deleted, or is deleted, is answered as it is. */
  async destroy(instanceId: string, asker: Asker): Promise<Instance> {
    const instance = await this.stores.instances.get(instanceId);
    if (instance.state === 'deleted' || instance.state === 'deleting' || !instance.machineId) return instance;
    const machine = await this.stores.machines.get(instance.machineId);
    const message = `${asker.name} destroys ${instance.hostName}`;
    await this.wake(await this.writer.advance(machine, 'destroy', { message, data: { asker } }));
    return this.stores.instances.get(instanceId);
  }

  /** A bare power verb. Refused while dodai itself is working on the machine. */
  async power(machineId: string, verb: PowerVerbName, asker: Asker): Promise<Machine> {
    const machine = await this.stores.machines.get(machineId);
    if (isWorking(machine.state)) throw busy(machine, `power ${verb}`);
    await this.writer.note(machine, {
      message: `${asker.name} asks for power ${verb}`,
      data: { asker, verb },
    });
    await this.bmc.order(machine, verb === 'soft' ? 'softOff' : verb);
    await this.bmc.status(machine);
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
    const inUse = machine.instanceId !== null || isWorking(machine.state);
    if (!inUse && (await this.stores.machines.remove(machine, asker.name))) return;
    throw new DomainError('machine-in-use', `${machine.name} is ${machine.state} and cannot be removed.`, {
      remedy: 'Destroy its instance and wait until the machine is inactive.',
    });
  }

  private async reserve(
    request: SpawnRequest,
    asker: Asker,
    idempotency: Idempotency | undefined,
  ): Promise<Instance> {
    const made = idempotency && (await this.writer.remembered(idempotency));
    if (made) return this.stores.instances.get(made);
    const wanted = await this.resolve(request);
    const message = `${asker.name} spawns ${request.hostName} from the image ${request.image}`;
    const reserved = await this.writer.reserve({ ...wanted, idempotency }, { message, data: { asker } });
    if (!reserved) throw await this.unavailable(request, wanted.minLocalGb);
    await this.wake(reserved.machine);
    return reserved.instance;
  }

  private async resolve(request: SpawnRequest): Promise<Reservation> {
    const image = await this.stores.images.find(request.image);
    const type = await this.stores.types.get(request.instanceType);
    checkFit(image, type);
    const machine =
      request.machine === undefined ? undefined : await this.stores.machines.find(request.machine);
    return {
      hostName: request.hostName,
      imageId: image.id,
      instanceType: type.name,
      minLocalGb: Math.ceil((partitionsMib(type) * mib) / 1000 ** 3),
      machineId: machine?.id,
      cluster: request.cluster ?? null,
      vlanId: request.vlanId ?? null,
      sshKeys: request.sshKeys,
    };
  }

  private async unavailable(request: SpawnRequest, minLocalGb: number): Promise<DomainError> {
    const wanted = `an inactive ${request.instanceType} with a disk of at least ${minLocalGb} GB was asked for`;
    if (request.machine !== undefined) {
      const { name, state, instanceType, localGb } = await this.stores.machines.find(request.machine);
      return unavailable(
        `${name} is ${state}, of the type ${instanceType} and has ${localGb} GB; ${wanted}.`,
      );
    }
    const counts = await this.stores.machines.countByState(request.instanceType);
    const found = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
    return unavailable(
      `Of the type ${request.instanceType} there are ${found.join(', ') || 'none'}; ${wanted}.`,
    );
  }

  private async wake(machine: Machine): Promise<Machine> {
    await this.queue.wake(machine.id);
    return machine;
  }
}

/** The file system must fit its partition, and the partitions their disk. */
function checkFit(image: Image, type: InstanceType): void {
  const imageMib = Math.ceil(image.uncompressedBytes / mib);
  if (imageMib > type.rootSizeMib)
    throw new DomainError(
      'image-too-large',
      `The image ${image.name} needs ${imageMib} MiB; the root partition of ${type.name} has ${type.rootSizeMib} MiB.`,
      {
        remedy: 'Choose a smaller image or an instance type with a larger rootSizeMib.',
        context: { field: 'image' },
      },
    );
}

function unavailable(message: string): DomainError {
  return new DomainError('machine-unavailable', `Bare metal machine unavailable. ${message}`, {
    remedy: 'Enrol another machine, or destroy an instance that is no longer needed, then ask again.',
  });
}

function busy(machine: Machine, what: string): DomainError {
  return new DomainError(
    'verb-not-allowed',
    `${what} is refused while ${machine.name} is ${machine.state}.`,
    {
      remedy: 'Wait until that work has ended.',
      context: { state: machine.state, stage: machine.stage },
    },
  );
}

function hash(request: SpawnRequest): string {
  const sorted = Object.entries(request).sort(([a], [b]) => a.localeCompare(b));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
