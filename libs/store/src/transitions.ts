import {
  DomainError,
  firstStage,
  instanceEventOf,
  type InstanceEvent,
  type LastError,
  lockedVerbs,
  machineLifecycle,
  type Machine,
  type MachineEvent,
  type MachineState,
  nextInstanceState,
  nextMachineState,
  retryStage,
  type Stage,
  type Verb,
} from '#core';
import { eventRow } from './event-store.js';
import { Prisma } from './generated/client.js';
import { freeAddresses } from './instance-addresses.js';
import { toMachine } from './rows.js';

export type Transaction = Prisma.TransactionClient;
type MachineData = Prisma.MachineUncheckedUpdateManyInput;

/** Why something changes, for the timeline: the sentence, who asked (verbs), what was found (failures). */
export interface Change {
  message: string;
  data?: Record<string, unknown>;
  error?: LastError;
}

/**
 * The changes of a life cycle inside one transaction. Each is one UPDATE that names what it starts from, with the row
 * of the timeline beside it. A row that has moved on meanwhile raises DomainError `state-changed`.
 */
export class Transitions {
  constructor(
    private readonly tx: Transaction,
    private readonly now: Date,
  ) {}

  /** Follows an event of the machine's life cycle, and of its instance's. Throws `verb-not-allowed` where it leads nowhere. */
  async move(
    machine: Machine,
    event: MachineEvent,
    change: Change,
    extra: MachineData = {},
  ): Promise<Machine> {
    const to = nextMachineState(machine.state, event);
    if (!to) throw refused(machine, event);
    const data = { ...this.newState(machine, to, event, change), ...extra };
    const moved = await this.update(machine, data, guardOf(event));
    const instanceId = machine.instanceId ?? moved.instanceId;
    const instanceEvent = instanceEventOf(event, to);
    if (instanceId && instanceEvent) await this.moveInstance(instanceId, instanceEvent, change.error);
    await this.record({ ...moved, instanceId: moved.instanceId ?? machine.instanceId }, 'state.changed', {
      ...change,
      data: {
        ...change.data,
        event,
        from: machine.state,
        to,
        ...(moved.stage && { stage: moved.stage }),
        ...(change.error && { error: change.error }),
      },
    });
    return moved;
  }

  private newState(machine: Machine, to: MachineState, event: MachineEvent, change: Change): MachineData {
    const stage = event === 'retry' ? retryStage(to, machine.failedStage) : firstStage(to);
    return {
      ...(stage ? entered(stage, this.now) : { stage: null, stageSince: null, ...nothingAwaited }),
      state: to,
      stateSince: this.now,
      progress: null,
      progressMessage: null,
      attempt: 1,
      retryAt: null,
      failedStage: machineLifecycle[to].kind === 'failed' ? machine.stage : null,
      powerOrder: null,
      powerOrderAt: null,
      lastError: change.error && event !== 'not_taken' ? { ...change.error } : Prisma.DbNull,
      ...(event === 'deleted' && { instanceId: null, returnedAt: this.now }),
    };
  }

  /** An event that its present state does not know passes it by. */
  async moveInstance(id: string, event: InstanceEvent, error?: LastError): Promise<boolean> {
    const { state } = await this.tx.instance.findUniqueOrThrow({ where: { id }, select: { state: true } });
    const to = nextInstanceState(state, event);
    if (!to) return false;
    await this.tx.instance.update({
      where: { id, state },
      data: {
        state: to,
        lastError: to === 'error' && error ? { ...error } : Prisma.DbNull,
        ...(event === 'installed' && { installedAt: this.now }),
        ...(to === 'deleted' && { deletedAt: this.now }),
      },
    });
    if (to === 'deleted') await freeAddresses(this.tx, id);
    return true;
  }

  /** Changes the row if it is still where we saw it. */
  async update(machine: Machine, data: MachineData, guard: Prisma.MachineWhereInput = {}): Promise<Machine> {
    const { id, state, stage, attempt } = machine;
    const [row] = await this.tx.machine.updateManyAndReturn({
      where: { id, state, stage, attempt, ...guard },
      data,
    });
    if (row) return toMachine(row);
    throw movedOn(machine);
  }

  async record(machine: Machine, kind: string, change: Change): Promise<void> {
    const { id: machineId, instanceId } = machine;
    const { message, data } = change;
    await this.tx.event.create({ data: eventRow({ kind, machineId, instanceId, message, data }, this.now) });
  }
}

const nothingAwaited = { awaits: null, awaitsUntil: null };

/** What a machine is like that has just come to this stage. */
export function entered(stage: Stage, now: Date) {
  return { stage, stageSince: now, ...nothingAwaited };
}

/** A lock that came between the look and the change holds. */
function guardOf(event: MachineEvent): Prisma.MachineWhereInput {
  return lockedVerbs.has(event as Verb) || event === 'reuse' || event === 'replace'
    ? { locked: { equals: Prisma.DbNull } }
    : {};
}

export function movedOn({ name, state }: Machine): DomainError {
  return new DomainError('state-changed', `${name} is no longer ${state}: something else was first.`, {
    remedy: 'Look at its present state, then try again.',
  });
}

export function refused(machine: Machine, event: string): DomainError {
  const where = machine.stage ? `${machine.state} (${machine.stage})` : machine.state;
  return new DomainError('verb-not-allowed', `${event} is not possible while ${machine.name} is ${where}.`, {
    remedy:
      'The verbs that are possible now are listed with the machine; others may be when its work has ended.',
    context: { state: machine.state, stage: machine.stage, event },
  });
}
