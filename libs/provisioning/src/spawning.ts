import { createHash, randomUUID } from 'node:crypto';
import {
  DomainError,
  type InstallMethodName,
  type Instance,
  type InstanceType,
  type Machine,
  methodFacts,
} from '#core';
import type { WakeQueue } from '#platform';
import type {
  Assessment,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  MachineStore,
  Reservation,
  Reservations,
} from '#store';
import PQueue from 'p-queue';
import { type Asker, dodai } from './asker.js';
import {
  type ConfigurationRequest,
  type Configuring,
  isOwned,
  type Prepared,
} from './configuring/configuring.js';
import { type DescribedOf, imagined } from './configuring/instance-documents.js';
import { bootModesOf, isMirrored } from './methods/image-fit.js';
import type { InstallMethod } from './methods/install-method.js';
import type { InstallMethods } from './methods/install-methods.js';
import { checkTaken } from './refusal.js';
import { weighAnew } from './stale.js';

/** A thousand requests in one moment must not take all connections to the database: machines at work and readers have the others. */
const spawnsAtOnce = 4;

export interface SpawnRequest extends ConfigurationRequest {
  hostName: string;
  /** Id or name. */
  image: string;
  instanceType: string;
  /** How it is installed; none: as the image says. */
  installMethod?: InstallMethodName;
  /** Id or name of the only machine that will do. */
  machine?: string;
  /** Without one the machine stays in the resource pool. */
  cluster?: string;
  vlanId?: number;
  /** Whether the cluster may begin with this instance; true unless said otherwise. */
  createCluster?: boolean;
  labels?: Record<string, string>;
  minVcpus?: number;
  minMemoryMb?: number;
  minLocalGb?: number;
  /** Name of a label: no machine that shares its value with one of the same cluster. */
  antiAffinity?: string;
  /** false: install, even where a pool machine waits with the image. */
  reuse?: boolean;
}

/** An instance that is there already, on a machine that dodai did not install. */
export interface AdoptRequest {
  hostName: string;
  image?: string;
  cluster?: string;
  vlanId?: number;
}

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

/** Choosing machines for instances: spawn, its dry run, adoption. */
export class Spawning {
  private readonly turns = new PQueue({ concurrency: spawnsAtOnce });

  constructor(
    private readonly stores: Stores,
    private readonly reservations: Reservations,
    private readonly queue: WakeQueue,
    private readonly how: { configuring: Configuring; methods: InstallMethods },
  ) {}

  /**
   * Reserves a machine for a new instance and has it installed, or handed over when one waits in the pool with this image.
   * The same idempotency key gives the same instance again. Throws DomainError `machine-unavailable` when no machine will do,
   * `image-too-large`, `image-unsuitable` or `install-method-forbidden` when the image is none for this type, `answer-file-invalid` when its
   * answers name what this instance does not have, `cluster-not-found`, `cluster-vlan-mismatch`.
   */
  async spawn(request: SpawnRequest, asker: Asker, idempotencyKey?: string): Promise<Instance> {
    const idempotency =
      idempotencyKey === undefined ? undefined : { key: idempotencyKey, requestHash: hash(request) };
    // The same key at the same time: the second one finds what the first has made.
    const reserve = () => weighAnew(() => this.reserve(request, asker, idempotency));
    return this.turns.add(reserve, { throwOnTimeout: true });
  }

  /** Every machine with what speaks against it, best first. The first without a reason is what spawn would take now. */
  async assess(request: SpawnRequest): Promise<Assessment[]> {
    return this.reservations.assess(await this.resolve(request));
  }

  /** The instance that a spawn would make now, without its id, on the machine that it would take. Throws what a spawn throws. */
  async imagine(
    request: SpawnRequest,
  ): Promise<{ instance: Omit<DescribedOf, 'id'>; machine: Machine; method: InstallMethod }> {
    const wanted = await this.resolve(request);
    const assessed = await this.reservations.assess(wanted);
    const chosen = assessed.find(({ reasons }) => reasons.length === 0);
    if (!chosen) throw unavailable(assessed);
    const machine = await this.stores.machines.get(chosen.machine.id);
    const { configuration } = await wanted.configure(machine);
    const { hostName, imageId, instanceType, cluster, installMethod } = wanted;
    const method = this.how.methods.get(installMethod);
    return { instance: { hostName, imageId, instanceType, cluster, configuration }, machine, method };
  }

  /**
   * Has a machine wait in the pool of its type with the default image: this one, or any while there are fewer than
   * `atMost`. Null when none will do, or the pool is full.
   */
  async intoPool(
    type: InstanceType,
    { machineId, atMost }: { machineId?: string; atMost?: number },
  ): Promise<Instance | null> {
    const image = await this.stores.images.find(type.defaultImageId ?? '');
    const method = this.how.methods.choose(image, type);
    const hostName = `pool-${randomUUID().slice(0, 8)}`;
    const ownerless = { cluster: null, vlanId: null, createCluster: false };
    const { configure } = await this.how.configuring.prepare(
      { defaults: false },
      { hostName, cluster: null, instanceType: type.name, cloudInit: null },
    );
    const reserved = await this.reservations.reserve(
      {
        ...ownerless,
        configure,
        hostName,
        imageId: image.id,
        instanceType: type.name,
        installMethod: method.name,
        minLocalGb: method.neededGb(image, type),
        mirrored: isMirrored(image, type),
        bootModes: bootModesOf(image),
        machineId,
        pooled: true,
        poolLimit: atMost,
        fromPool: false,
      },
      {
        message: `dodai has a ${type.name} wait in the pool with the image ${image.name}`,
        data: { asker: dodai },
      },
    );
    if (reserved) await this.queue.wake(reserved.machine.id);
    return reserved?.instance ?? null;
  }

  /** Takes a machine that already runs something into service, as an instance of its own. Nothing is done to it. */
  async adopt(machineId: string, request: AdoptRequest, asker: Asker): Promise<Instance> {
    const machine = await this.stores.machines.get(machineId);
    checkTaken('adopt', machine);
    const image = request.image === undefined ? null : await this.stores.images.find(request.image);
    const { hostName, cluster = null, vlanId = null } = request;
    const message = `${asker.name} adopts ${machine.name} as ${hostName}, with what runs on it`;
    const { instance } = await this.reservations.adopt(
      machine,
      { hostName, imageId: image?.id ?? null, cluster, vlanId },
      { message, data: { asker } },
    );
    return instance;
  }

  private async reserve(
    request: SpawnRequest,
    asker: Asker,
    idempotency: Reservation['idempotency'],
  ): Promise<Instance> {
    const made = idempotency && (await this.reservations.remembered(idempotency));
    if (made) return this.stores.instances.get(made);
    const wanted = await this.resolve(request);
    const { warnings } = wanted;
    const told = warnings.length === 0 ? '' : `, although ${warnings.join('; ')}`;
    const message = `${asker.name} spawns ${request.hostName} from the image ${request.image}${told}`;
    const change = { message, data: { asker, ...(warnings.length > 0 && { warnings }) } };
    const reserved = await this.reservations.reserve({ ...wanted, idempotency }, change);
    if (!reserved) throw unavailable(await this.reservations.assess(wanted));
    await this.queue.wake(reserved.machine.id);
    return reserved.instance;
  }

  private async resolve(request: SpawnRequest): Promise<Reservation & Prepared> {
    const [image, type, machine] = await Promise.all([
      this.stores.images.find(request.image),
      this.stores.types.get(request.instanceType),
      request.machine === undefined ? undefined : this.stores.machines.find(request.machine),
    ]);
    const method = this.how.methods.choose(image, type, request.installMethod);
    const { cluster = null, antiAffinity } = request;
    if (antiAffinity !== undefined && cluster === null) throw apartFromWhom();
    const { pools } = methodFacts[method.name];
    const pooled = pools && cluster === null && !isOwned(request);
    const inherits = pooled ? { defaults: false } : {};
    const place = { hostName: request.hostName, cluster, instanceType: type.name };
    const prepared = await this.how.configuring.prepare(
      { ...request, ...inherits },
      { ...place, cloudInit: image.description?.cloudInit ?? null },
    );
    return {
      ...place,
      imageId: image.id,
      installMethod: method.name,
      machineId: machine?.id,
      labels: request.labels,
      minVcpus: request.minVcpus,
      minMemoryMb: request.minMemoryMb,
      minLocalGb: Math.max(request.minLocalGb ?? 0, method.neededGb(image, type)),
      mirrored: isMirrored(image, type),
      bootModes: bootModesOf(image),
      antiAffinity,
      vlanId: request.vlanId ?? null,
      createCluster: request.createCluster ?? true,
      ...prepared,
      configure: async (machine) => {
        const configured = await prepared.configure(machine);
        const instance = { ...imagined, ...place, imageId: image.id, ...configured };
        method.checkConfigured({ machine, image, type, instance });
        return configured;
      },
      pooled,
      fromPool: pools && !pooled && (request.reuse ?? request.installMethod === undefined),
    };
  }
}

/** How many reasons are told when no machine will do; the commonest come first. */
const mostReasons = 5;

/** Counts the reasons, so that the message is as short for ten thousand machines as for one. */
function unavailable(assessed: Assessment[]): DomainError {
  const counts = new Map<string, string[]>();
  for (const { machine, reasons } of assessed) {
    if (reasons.includes('is not the one asked for')) continue;
    const why = reasons.join(', ');
    counts.set(why, [...(counts.get(why) ?? []), machine.name]);
  }
  const commonest = [...counts].sort(([, one], [, other]) => other.length - one.length);
  const told = commonest
    .slice(0, mostReasons)
    .map(([why, names]) =>
      names.length === 1 ? `${names[0]} ${why}` : `${names.length} machines: each ${why}`,
    );
  const others = commonest.slice(mostReasons).reduce((sum, [, names]) => sum + names.length, 0);
  if (others > 0) told.push(`${others} more for other reasons`);
  const found = told.length === 0 ? 'No machine is enrolled' : told.join('; ');
  return new DomainError('machine-unavailable', `Bare metal machine unavailable. ${found}.`, {
    remedy:
      'A dry run tells it of every machine. Enrol another one, or destroy an instance that is no longer needed, then ask again.',
  });
}

function apartFromWhom(): DomainError {
  return new DomainError('invalid-request', 'antiAffinity was asked for without a cluster to be apart in.', {
    remedy: 'Name the cluster too: machines are kept apart from those of the same cluster.',
    context: { field: 'antiAffinity' },
  });
}

/** The same for the same request, in whatever order its fields and labels came. Of the password nothing is kept, not even that. */
function hash({ password: _secret, ...request }: SpawnRequest): string {
  return createHash('sha256').update(JSON.stringify(request, sorted)).digest('hex');
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
