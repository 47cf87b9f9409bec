import {
  type Instance,
  isWorking,
  type LastError,
  type LastWipe,
  type Machine,
  type MachineEvent,
  machineStates,
  type Mark,
  nextPowerOrder,
  nextStage,
  type PowerOrder,
  type PowerOrderEvent,
  type PowerState,
  retryStage,
  type StageEvent,
} from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { MachineChanges } from './machine-changes.js';
import { PowerRecord } from './power-record.js';
import { toMachine } from './rows.js';
import { type Change, entered, refused, Transitions } from './transitions.js';

/** While a machine is worked on, its power says nothing of its instance. */
const worked = machineStates.filter(isWorking);

/**
 * The only class, with Reservations, that changes the state of a machine or an instance. A row that has moved on
 * since it was read raises DomainError `state-changed`: read again, then decide again.
 */
export class LifecycleWriter {
  private readonly changes: MachineChanges;

  constructor(private readonly database: Database) {
    this.changes = new MachineChanges(database);
  }

  /** Follows an event of the machine's life cycle, and of its instance's. Throws `verb-not-allowed` where it leads nowhere. */
  async advance(machine: Machine, event: MachineEvent, change: Change): Promise<Machine> {
    return this.change((to) => to.move(machine, event, change));
  }

  /** Installs the instance anew, from another image when one is given. */
  async rebuild(
    machine: Machine,
    installed: Pick<Instance, 'imageId' | 'installMethod'>,
    change: Change,
  ): Promise<Machine> {
    return this.database.client.$transaction(async (tx) => {
      const moved = await new Transitions(tx, this.now()).move(machine, 'rebuild', change);
      const data = { ...installed, installedAt: null, pooled: false };
      if (machine.instanceId) await tx.instance.update({ where: { id: machine.instanceId }, data });
      return moved;
    });
  }

  /** Follows an event inside the present work; `lastWipe` when the event is that the disks are wiped. */
  async advanceStage(
    machine: Machine,
    event: StageEvent,
    change: Change,
    lastWipe?: LastWipe,
  ): Promise<Machine> {
    const stage = machine.stage && nextStage(machine.state, machine.stage, event);
    if (!stage) throw refused(machine, event);
    return this.changes.add({
      machine,
      to: {
        ...entered(stage, this.now()),
        progress: null,
        progressMessage: null,
        ...(lastWipe && { lastWipe }),
      },
      event: {
        kind: 'stage.changed',
        message: change.message,
        data: { ...change.data, from: machine.stage, to: stage },
      },
    });
  }

  /** Has the work go back to where its present stage is tried anew, not before `retryAt`. */
  async retryLater(machine: Machine, retryAt: Date, error: LastError): Promise<Machine> {
    const stage = retryStage(machine.state, machine.stage);
    const attempt = machine.attempt + 1;
    const again = stage ? entered(stage, this.now()) : { awaits: null, awaitsUntil: null };
    return this.changes.add({
      machine,
      to: { ...again, progress: null, progressMessage: null, attempt, retryAt },
      event: {
        kind: 'stage.retried',
        message: `${error.message} Try ${attempt} begins at ${retryAt.toISOString()}.`,
        data: { from: machine.stage, to: stage, attempt, retryAt, error },
      },
    });
  }

  /** More progress in the same stage; a word of it is also a sign of life, so the deadline moves on. */
  async report(
    machine: Machine,
    progress: { progress: number | null; progressMessage: string | null; awaitsUntil?: Date },
    { message, data }: Change,
  ): Promise<Machine> {
    return this.changes.add({ machine, to: progress, event: { kind: 'notify.progress', message, data } });
  }

  /** Says what is awaited and until when. */
  async expect(machine: Machine, awaits: string, awaitsUntil: Date): Promise<Machine> {
    const message = `${machine.name}: waiting for ${awaits} until ${awaitsUntil.toISOString()}`;
    return this.changes.add({
      machine,
      to: { awaits, awaitsUntil },
      event: { kind: 'wait.began', message, data: { awaits, awaitsUntil } },
    });
  }

  /** Puts on the timeline what is done in this stage of the work, unless the machine has moved on. */
  async tell(
    machine: Machine,
    event: { kind: string; message: string; data: Record<string, unknown> },
  ): Promise<Machine> {
    return this.changes.add({ machine, to: {}, event });
  }

  /** A sign of life that tells nothing else: the deadline of what is awaited moves on, if it is still awaited. */
  async postpone({ id, state, stage, attempt }: Machine, awaitsUntil: Date): Promise<void> {
    await this.database.client.machine.updateMany({
      where: { id, state, stage, attempt, awaitsUntil: { lt: awaitsUntil } },
      data: { awaitsUntil },
    });
  }

  /** What start, stop, reboot or power cycle is to do to a machine at rest; a newer order takes the older one's place. */
  async orderPower(machine: Machine, powerOrder: PowerOrder, change: Change): Promise<Machine> {
    const guard = powerOrder === 'starting' ? {} : { locked: { equals: Prisma.DbNull } };
    return this.change(async (to) => {
      const data = {
        powerOrder,
        powerOrderAt: this.now(),
        attempt: 1,
        retryAt: null,
        lastError: Prisma.DbNull,
      };
      const moved = await to.update(machine, data, guard);
      await to.record(moved, 'power.ordered', { ...change, data: { ...change.data, powerOrder } });
      return moved;
    });
  }

  /** Follows an event of the power order in hand. */
  async advancePowerOrder(machine: Machine, event: PowerOrderEvent, change: Change): Promise<Machine> {
    const next = machine.powerOrder && nextPowerOrder(machine.powerOrder, event);
    if (!next) throw refused(machine, event);
    return this.endOrder(machine, next === 'done' ? null : next, 'power.followed', change);
  }

  /** The power order in hand came to nothing. The machine stays what it is, with the error beside it. */
  async failPowerOrder(machine: Machine, error: LastError): Promise<Machine> {
    return this.endOrder(machine, null, 'power.failed', { message: error.message, error });
  }

  private endOrder(
    machine: Machine,
    powerOrder: PowerOrder | null,
    kind: string,
    change: Change,
  ): Promise<Machine> {
    const data = {
      powerOrder,
      powerOrderAt: powerOrder ? this.now() : null,
      ...(change.error && { lastError: { ...change.error } }),
    };
    return this.change(async (to) => {
      const moved = await to.update(machine, data, { powerOrder: machine.powerOrder });
      await to.record(moved, kind, {
        ...change,
        data: { ...change.data, from: machine.powerOrder, to: powerOrder ?? 'done', error: change.error },
      });
      return moved;
    });
  }

  /**
   * The BMC said so. The record follows the hardware: an installed instance whose machine is seen off is `stopped`, and
   * `active` when it is on again. A change that nobody ordered is an event, `power.drift`.
   */
  async recordPower(id: string, power: PowerState, isOrdered = false): Promise<void> {
    const data = { power, powerAt: this.now() };
    const isPlain = { id, state: { in: worked }, bmcFault: { equals: Prisma.DbNull } };
    const { count } = await this.database.client.machine.updateMany({ where: isPlain, data });
    if (count === 1) return;
    await this.database.client.$transaction((tx) =>
      new PowerRecord(tx, this.now()).report(id, power, isOrdered),
    );
  }

  /** A look at a machine that was left alone found this power. Throws `state-changed` when it is not left alone any more. */
  async recordLook(machine: Machine, power: PowerState): Promise<Machine> {
    return this.database.client.$transaction((tx) => new PowerRecord(tx, this.now()).look(machine, power));
  }

  /**
   * A look at a machine that was left alone failed. One fault is one event, `bmc.lost`, however often it is met; `bmc.back`
   * ends it. Throws `state-changed` when the machine is not left alone any more.
   */
  async recordBmcFault(machine: Machine, fault: LastError): Promise<void> {
    await this.database.client.$transaction((tx) => new PowerRecord(tx, this.now()).fault(machine, fault));
  }

  /** Puts a mark on a machine, or takes it away (null). */
  async mark(
    machine: Machine,
    name: 'maintenance' | 'locked',
    mark: Mark | null,
    change: Change,
  ): Promise<Machine> {
    return this.database.client.$transaction(async (tx) => {
      const data = { [name]: mark ? { ...mark } : Prisma.DbNull };
      const marked = toMachine(await tx.machine.update({ where: { id: machine.id }, data }));
      await new Transitions(tx, this.now()).record(marked, 'verb.asked', change);
      return marked;
    });
  }

  /** Puts on the timeline what was asked of a machine without moving it in its life cycle. */
  async note(machine: Machine, change: Change): Promise<void> {
    await new Transitions(this.database.client, this.now()).record(machine, 'verb.asked', change);
  }

  private change(act: (to: Transitions) => Promise<Machine>): Promise<Machine> {
    return this.database.client.$transaction((tx) => act(new Transitions(tx, this.now())));
  }

  private now(): Date {
    return this.database.clock.now();
  }
}
