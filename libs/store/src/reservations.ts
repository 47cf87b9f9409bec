import { randomUUID } from 'node:crypto';
import {
  type ConfigurationSources,
  DomainError,
  type InstallMethodName,
  type Instance,
  type InstanceConfiguration,
  type Machine,
  nothingConfigured,
} from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { claimAddresses } from './instance-addresses.js';
import { toInstance } from './rows.js';
import { assess, type Assessment, type Choice, choose, type Way, type Wanted } from './selection.js';
import { type Change, type Transaction, Transitions } from './transitions.js';

/** An instance to be made, and the machine it needs. */
export interface Reservation extends Wanted {
  hostName: string;
  installMethod: InstallMethodName;
  /** null: that of the cluster. */
  vlanId: number | null;
  /** Whether the cluster may come into being with this instance. */
  createCluster: boolean;
  /** What its OS is to be configured with on this machine. Throws DomainError when the machine does not have what it needs. */
  configure(machine: Machine): Promise<Configured>;
  /** A config drive that was given ready-made; undefined: none was. */
  readyMadeDrive?: Buffer;
  /** It has no owner, and waits in the pool. */
  pooled: boolean;
  /** Not when as many of its type are in the pool already, waiting or being made ready. */
  poolLimit?: number;
  idempotency?: Idempotency;
}

export interface Configured {
  configuration: InstanceConfiguration;
  sources: ConfigurationSources;
}

export interface Idempotency {
  key: string;
  requestHash: string;
}

export interface Reserved {
  machine: Machine;
  instance: Instance;
  way: Way;
}

/** An instance that is there already, on a machine that dodai did not install. */
export interface Adoption {
  hostName: string;
  imageId: string | null;
  cluster: string | null;
  vlanId: number | null;
}

const eventOfWay = { reuse: 'reuse', install: 'spawn', replace: 'replace' } as const;
const howOfWay = {
  reuse: 'its OS is handed over',
  install: 'it is installed',
  replace: 'it waited with another image and is installed anew',
} as const;

/** Choosing a machine and making the instance on it, in one transaction. */
export class Reservations {
  constructor(private readonly database: Database) {}

  /**
   * Null when no machine will do. Throws DomainError `cluster-not-found` or `cluster-vlan-mismatch`, and `state-changed`
   * when another request with the same idempotency key was served just now.
   */
  async reserve(wanted: Reservation, change: Change): Promise<Reserved | null> {
    return this.database.client.$transaction(async (tx) => {
      const vlanId = await this.enterCluster(tx, wanted);
      if (await this.poolIsFull(tx, wanted)) return null;
      const choice = await choose(tx, wanted);
      return choice && this.take(tx, { ...wanted, vlanId }, choice, change);
    });
  }

  /** What reserving would do, and what speaks against each machine. Nothing is changed, nothing is held. */
  async assess(wanted: Reservation): Promise<Assessment[]> {
    return this.database.client.$transaction(async (tx) => {
      await this.enterCluster(tx, wanted);
      return assess(tx, wanted);
    });
  }

  /** Takes a machine into service as it is. */
  async adopt(machine: Machine, { imageId, ...columns }: Adoption, change: Change): Promise<Reserved> {
    return this.database.client.$transaction(async (tx) => {
      const vlanId = await this.enterCluster(tx, { ...columns, createCluster: true });
      const instance = await tx.instance.create({
        data: {
          ...columns,
          vlanId,
          imageId,
          id: randomUUID(),
          state: 'active',
          machineId: machine.id,
          instanceType: machine.instanceType,
          ...configurationColumns({ configuration: nothingConfigured, sources: {} }),
          createdAt: this.now(),
          installedAt: this.now(),
        },
      });
      const moved = await this.transitions(tx).move(machine, 'adopt', change, { instanceId: instance.id });
      return { machine: moved, instance: toInstance(instance), way: 'reuse' };
    });
  }

  /** The instance that an earlier request with this key made; throws `idempotency-key-reused` for another request. */
  async remembered(idempotency: Idempotency): Promise<string | null> {
    const row = await this.database.client.idempotencyKey.findUnique({ where: { key: idempotency.key } });
    if (!row) return null;
    if (row.requestHash === idempotency.requestHash) return row.instanceId;
    throw new DomainError('idempotency-key-reused', 'This Idempotency-Key was used for another request.', {
      remedy: 'Use a new key for a new request.',
    });
  }

  private async take(
    tx: Transaction,
    wanted: Reservation,
    { machine, way }: Choice,
    change: Change,
  ): Promise<Reserved> {
    const to = this.transitions(tx);
    if (machine.instanceId) await to.moveInstance(machine.instanceId, 'released');
    const reusedInstanceId = way === 'reuse' ? machine.instanceId : null;
    const configured = await wanted.configure(machine);
    const instance = await tx.instance.create({
      data: {
        ...this.instanceRow(wanted),
        ...configurationColumns(configured),
        machineId: machine.id,
        reusedInstanceId,
      },
    });
    await this.configure(tx, instance.id, { ...wanted, ...configured, machine });
    if (wanted.idempotency) await this.remember(tx, { ...wanted.idempotency, instanceId: instance.id });
    const message = `${change.message}: ${machine.name} is chosen, ${howOfWay[way]}`;
    const data = { ...change.data, way, released: machine.instanceId };
    const moved = await to.move(
      { ...machine, instanceId: null }, // what happens from now on is the new instance's
      eventOfWay[way],
      { ...change, message, data },
      { instanceId: instance.id },
    );
    return { machine: moved, instance: toInstance(instance), way };
  }

  private async configure(
    tx: Transaction,
    instanceId: string,
    { machine, vlanId, configuration, readyMadeDrive }: Configured & Reservation & { machine: Machine },
  ): Promise<void> {
    await claimAddresses(tx, { instanceId, machine, vlanId, network: configuration.network });
    if (readyMadeDrive === undefined) return;
    await tx.configDrive.create({ data: { instanceId, content: Uint8Array.from(readyMadeDrive) } });
  }

  private instanceRow({
    hostName,
    imageId,
    instanceType,
    installMethod,
    cluster,
    vlanId,
    pooled,
  }: Reservation) {
    const columns = { hostName, imageId, instanceType, installMethod, cluster, vlanId, pooled };
    return { ...columns, id: randomUUID(), state: 'building' as const, createdAt: this.now() };
  }

  /**
   * A cluster is there while an instance of it is; it has one VLAN, which is answered. Requests for the same one come
   * one after another.
   */
  private async enterCluster(
    tx: Transaction,
    { cluster, vlanId, createCluster }: Pick<Reservation, 'cluster' | 'vlanId' | 'createCluster'>,
  ): Promise<number | null> {
    if (cluster === null) return vlanId;
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(7072, hashtext(${cluster}))`;
    const member = await tx.instance.findFirst({ where: { cluster, state: { not: 'deleted' } } });
    if (!member && !createCluster) throw noCluster(cluster);
    if (member && vlanId !== null && member.vlanId !== vlanId)
      throw otherVlan(cluster, member.vlanId, vlanId);
    return member ? member.vlanId : vlanId;
  }

  /** One that failed counts too: an image that cannot be installed must not use up machine after machine. */
  private async poolIsFull(tx: Transaction, { poolLimit, instanceType }: Reservation): Promise<boolean> {
    if (poolLimit === undefined) return false;
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(7073, hashtext(${instanceType}))`;
    const pooled = await tx.machine.count({
      where: {
        instanceTypeName: instanceType,
        instance: { pooled: true, state: { notIn: ['deleting', 'deleted'] } },
      },
    });
    return pooled >= poolLimit;
  }

  private async remember(tx: Transaction, data: Prisma.IdempotencyKeyCreateInput): Promise<void> {
    const { count } = await tx.idempotencyKey.createMany({ data, skipDuplicates: true });
    if (count === 1) return;
    throw new DomainError('state-changed', 'Another request with this Idempotency-Key was just served.', {
      remedy: 'Send the request again: it is answered with what that one has made.',
    });
  }

  private transitions(tx: Transaction): Transitions {
    return new Transitions(tx, this.now());
  }

  private now(): Date {
    return this.database.clock.now();
  }
}

function configurationColumns({ configuration, sources }: Configured) {
  // Without type assertion TypeScript does not know that an interface is JSON.
  return { configuration: configuration as unknown as Prisma.InputJsonObject, configurationSources: sources };
}

function noCluster(cluster: string): DomainError {
  return new DomainError('cluster-not-found', `There is no cluster ${cluster}: no instance belongs to it.`, {
    remedy: `Check the name; to begin the cluster with this instance ask for the zone C,${cluster},VLAN.`,
    context: { field: 'availabilityZone' },
  });
}

function otherVlan(cluster: string, has: number | null, asked: number): DomainError {
  const name = (vlanId: number | null) => (vlanId === null ? 'no VLAN' : `the VLAN ${vlanId}`);
  return new DomainError(
    'cluster-vlan-mismatch',
    `The cluster ${cluster} has ${name(has)}; ${name(asked)} was asked for.`,
    {
      remedy: `Ask for ${name(has)}, or for another cluster: all machines of a cluster are in one VLAN.`,
      context: { field: 'vlanId' },
    },
  );
}
