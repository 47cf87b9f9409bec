import {
  type LastError,
  type Machine,
  type MachineEvent,
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
import { EventStore } from './event-store.js';
import { Prisma } from './generated/client.js';
import { PowerRecord } from './power-record.js';
import { toMachine } from './rows.js';
import { type Change, refused, Transitions } from './transitions.js';

/**
 * The only class, with Reservations, that changes the state of a machine or an instance. A row that has moved on
 * since it was read raises DomainError `state-changed`: read again, then decide again.
 */
export class LifecycleWriter {
  private readonly events: EventStore;

  constructor(private readonly database: Database) {
    this.events = new EventStore(database);
  }

  /** Follows an event of the machine's life cycle, and of its instance's. Throws `verb-not-allowed` where it leads nowhere. */
  async advance(machine: Machine, event: MachineEvent, change: Change): Promise<Machine> {
    return this.change((to) => to.move(machine, event, change));
  }

  /** Installs the instance anew, from another image when one is given. */
  async rebuild(machine: Machine, imageId: string | undefined, change: Change): Promise<Machine> {
    return this.database.client.$transaction(async (tx) => {
      const moved = await new Transitions(tx, this.now()).move(machine, 'rebuild', change);
      const data = { imageId, installedAt: null, pooled: false };
      if (machine.instanceId) await tx.instance.update({ where: { id: machine.instanceId }, data });
      return moved;
    });
  }

  /** Follows an event inside the present work. */
  async advanceStage(machine: Machine, event: StageEvent, change: Change): Promise<Machine> {
    const stage = machine.stage && nextStage(machine.state, machine.stage, event);
    if (!stage) throw refused(machine, event);
    return this.change(async (to) => {
      const data = { ...to.enter(stage), progress: null, progressMessage: null };
      const moved = await to.update(machine, data);
      await to.record(moved, 'stage.changed', {
        ...change,
        data: { ...change.data, from: machine.stage, to: stage },
      });
      return moved;
    });
  }

  /** Has the work go back to where its present stage is tried anew, not before `retryAt`. */
  async retryLater(machine: Machine, retryAt: Date, error: LastError): Promise<Machine> {
    const stage = retryStage(machine.state, machine.stage);
    const attempt = machine.attempt + 1;
    return this.change(async (to) => {
      const again = stage ? to.enter(stage) : { awaits: null, awaitsUntil: null };
      const data = { ...again, progress: null, progressMessage: null, attempt, retryAt };
      const moved = await to.update(machine, data);
      await to.record(moved, 'stage.retried', {
        message: `${error.message} Try ${attempt} begins at ${retryAt.toISOString()}.`,
        data: { from: machine.stage, to: stage, attempt, retryAt, error },
      });
      return moved;
    });
  }

  /**
   * More progress in the same stage; a word of it is also a sign of life, so the deadline moves on. Alone of all changes its row
   * of the timeline is written after it, together with those of other machines: it is by far the most frequent one.
   */
  async report(
    machine: Machine,
    progress: { progress: number | null; progressMessage: string | null; awaitsUntil?: Date },
    change: Change,
  ): Promise<Machine> {
    const moved = await new Transitions(this.database.client, this.now()).update(machine, progress);
    const { id: machineId, instanceId } = moved;
    await this.events.append({ kind: 'notify.progress', machineId, instanceId, ...change });
    return moved;
  }

  /** Says what is awaited and until when. */
  async expect(machine: Machine, awaits: string, awaitsUntil: Date): Promise<Machine> {
    return this.change(async (to) => {
      const waiting = await to.update(machine, { awaits, awaitsUntil });
      const message = `${machine.name}: waiting for ${awaits} until ${awaitsUntil.toISOString()}`;
      await to.record(waiting, 'wait.began', { message, data: { awaits, awaitsUntil } });
      return waiting;
    });
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
  async recordPower(id: string, power: PowerState, isOrdered = false): Promise<Machine> {
    return this.database.client.$transaction((tx) =>
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
