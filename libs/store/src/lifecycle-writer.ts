import { randomUUID } from 'node:crypto';
import {
  DomainError,
  type Instance,
  type InstanceEvent,
  type LastError,
  type Machine,
  type MachineEvent,
  nextInstanceState,
  nextMachineState,
  nextStage,
  type Stage,
  type StageEvent,
  stagesOf,
} from '#core';
import type { Database } from './database.js';
import { eventRow } from './event-store.js';
import { Prisma } from './generated/client.js';
import { toInstance, toMachine } from './rows.js';

type Transaction = Prisma.TransactionClient;

/** Why something changes, for the timeline: the sentence, who asked (verbs), what was found (failures). */
export interface Change {
  message: string;
  data?: Record<string, unknown>;
  error?: LastError;
}

export interface Reservation {
  hostName: string;
  imageId: string;
  instanceType: string;
  /** The disk that its partitions need. */
  minLocalGb: number;
  /** Only this machine will do. */
  machineId?: string;
  cluster: string | null;
  vlanId: number | null;
  sshKeys: string[];
  idempotency?: { key: string; requestHash: string };
}

/** What a machine's event means for the instance on it. */
const instanceEvents: Partial<Record<MachineEvent, InstanceEvent>> = {
  installed_for_pool: 'installed',
  installed_for_cluster: 'installed',
  failed: 'failed',
  destroy: 'destroy',
  deleted: 'deleted',
};

/**
 * The only class that changes the state of a machine or an instance: each change is one UPDATE that names the state
 * it starts from, with the row of the timeline in the same transaction. A row that has moved on meanwhile raises
 * DomainError `state-changed`: read again, then decide again.
 */
export class LifecycleWriter {
  constructor(private readonly database: Database) {}

  /**
   * Takes the first free machine of the type and makes the instance, in one transaction; null when none is free.
   * Machines that another transaction is just taking are passed over, not waited for.
   */
  async reserve(
    wanted: Reservation,
    change: Change,
  ): Promise<{ machine: Machine; instance: Instance } | null> {
    const only =
      wanted.machineId === undefined ? Prisma.empty : Prisma.sql`AND id = ${wanted.machineId}::uuid`;
    return this.database.client.$transaction(async (tx) => {
      const [free] = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM machines WHERE state = 'inactive' AND instance_type = ${wanted.instanceType}
        AND local_gb >= ${wanted.minLocalGb} ${only} ORDER BY name LIMIT 1 FOR UPDATE SKIP LOCKED`;
      if (!free) return null;
      const { machineId: _only, minLocalGb: _least, idempotency, ...columns } = wanted;
      const instance = await tx.instance.create({
        data: { ...columns, id: randomUUID(), state: 'building', machineId: free.id, createdAt: this.now() },
      });
      if (idempotency) await this.remember(tx, { ...idempotency, instanceId: instance.id });
      const row = await tx.machine.findUniqueOrThrow({ where: { id: free.id } });
      const machine = await this.move(tx, toMachine(row), 'spawn', change, { instanceId: instance.id });
      return { machine, instance: toInstance(instance) };
    });
  }

  private async remember(tx: Transaction, data: Prisma.IdempotencyKeyCreateInput): Promise<void> {
    const { count } = await tx.idempotencyKey.createMany({ data, skipDuplicates: true });
    if (count === 1) return;
    throw new DomainError('state-changed', 'Another request with this Idempotency-Key was just served.', {
      remedy: 'Send the request again: it is answered with what that one has made.',
    });
  }

  /** The instance that an earlier request with this key made; throws `idempotency-key-reused` for another request. */
  async remembered(idempotency: { key: string; requestHash: string }): Promise<string | null> {
    const row = await this.database.client.idempotencyKey.findUnique({ where: { key: idempotency.key } });
    if (!row) return null;
    if (row.requestHash === idempotency.requestHash) return row.instanceId;
    throw new DomainError('idempotency-key-reused', 'This Idempotency-Key was used for another request.', {
      remedy: 'Use a new key for a new request.',
    });
  }

  /** Follows an event of the machine's life cycle, and of its instance's. Throws `verb-not-allowed` where it leads nowhere. */
  async advance(machine: Machine, event: MachineEvent, change: Change): Promise<Machine> {
    return this.database.client.$transaction((tx) => this.move(tx, machine, event, change, {}));
  }

  /** Follows an event inside the present work. */
  async advanceStage(machine: Machine, event: StageEvent, change: Change): Promise<Machine> {
    const to = machine.stage && nextStage(machine.state, machine.stage, event);
    if (!to) throw refused(machine, event);
    const data = { ...this.enter(to), progress: null, progressMessage: null };
    return this.database.client.$transaction(async (tx) => {
      const moved = await this.update(tx, machine, data);
      await this.record(tx, moved, 'stage.changed', {
        ...change,
        data: { ...change.data, from: machine.stage, to },
      });
      return moved;
    });
  }

  /** More progress in the same stage; a word of it is also a sign of life, so the deadline moves on. */
  async report(
    machine: Machine,
    progress: { progress: number | null; progressMessage: string | null; awaitsUntil?: Date },
    change: Change,
  ): Promise<Machine> {
    return this.database.client.$transaction(async (tx) => {
      const moved = await this.update(tx, machine, progress);
      await this.record(tx, moved, 'notify.progress', change);
      return moved;
    });
  }

  /** Says what is awaited and until when. */
  async expect(machine: Machine, awaits: string, awaitsUntil: Date): Promise<Machine> {
    return this.database.client.$transaction(async (tx) => {
      const waiting = await this.update(tx, machine, { awaits, awaitsUntil });
      const message = `${machine.name}: waiting for ${awaits} until ${awaitsUntil.toISOString()}`;
      await this.record(tx, waiting, 'wait.began', { message, data: { awaits, awaitsUntil } });
      return waiting;
    });
  }

  /** Puts on the timeline what was asked of a machine without moving it in its life cycle. */
  async note(machine: Machine, change: Change): Promise<void> {
    await this.record(this.database.client, machine, 'verb.asked', change);
  }

  private async move(
    tx: Transaction,
    machine: Machine,
    event: MachineEvent,
    change: Change,
    extra: Prisma.MachineUncheckedUpdateManyInput,
  ): Promise<Machine> {
    const to = nextMachineState(machine.state, event);
    if (!to) throw refused(machine, event);
    const moved = await this.update(tx, machine, {
      ...(stagesOf(to) ? this.enter('queued') : { stage: null, stageSince: null, ...nothingAwaited }),
      state: to,
      stateSince: this.now(),
      progress: null,
      progressMessage: null,
      lastError: change.error ? { ...change.error } : Prisma.DbNull,
      ...(event === 'deleted' && { instanceId: null }),
      ...extra,
    });
    const instanceId = machine.instanceId ?? moved.instanceId;
    if (instanceId) await this.moveInstance(tx, instanceId, event, change);
    const data = { ...change.data, from: machine.state, to, ...(change.error && { error: change.error }) };
    await this.record(tx, { ...moved, instanceId }, 'state.changed', { ...change, data });
    return moved;
  }

  private async moveInstance(
    tx: Transaction,
    id: string,
    event: MachineEvent,
    change: Change,
  ): Promise<void> {
    const instanceEvent = instanceEvents[event];
    if (!instanceEvent) return;
    const { state } = await tx.instance.findUniqueOrThrow({ where: { id }, select: { state: true } });
    const to = nextInstanceState(state, instanceEvent);
    if (!to) return;
    await tx.instance.update({
      where: { id, state },
      data: {
        state: to,
        lastError: change.error ? { ...change.error } : Prisma.DbNull,
        ...(to === 'active' && { installedAt: this.now() }),
        ...(to === 'deleted' && { deletedAt: this.now() }),
      },
    });
  }

  private async update(
    tx: Transaction,
    machine: Machine,
    data: Prisma.MachineUncheckedUpdateManyInput,
  ): Promise<Machine> {
    const where = { id: machine.id, state: machine.state, stage: machine.stage };
    const [row] = await tx.machine.updateManyAndReturn({ where, data });
    if (row) return toMachine(row);
    throw new DomainError(
      'state-changed',
      `${machine.name} is no longer ${machine.state}: something else was first.`,
      {
        remedy: 'Look at its present state, then try again.',
      },
    );
  }

  private async record(tx: Transaction, machine: Machine, kind: string, change: Change): Promise<void> {
    const { id: machineId, instanceId } = machine;
    await tx.event.create({
      data: eventRow({ kind, machineId, instanceId, message: change.message, data: change.data }, this.now()),
    });
  }

  private enter(stage: Stage) {
    return { stage, stageSince: this.now(), ...nothingAwaited };
  }

  private now(): Date {
    return this.database.clock.now();
  }
}

const nothingAwaited = { awaits: null, awaitsUntil: null };

function refused(machine: Machine, event: string): DomainError {
  const where = machine.stage ? `${machine.state} (${machine.stage})` : machine.state;
  return new DomainError('verb-not-allowed', `${event} is not possible while ${machine.name} is ${where}.`, {
    remedy: 'Wait until that work has ended; the verbs that are possible now are listed with the machine.',
    context: { state: machine.state, stage: machine.stage, event },
  });
}
