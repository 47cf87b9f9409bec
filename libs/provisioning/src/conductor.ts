import { setMaxListeners } from 'node:events';
import { DomainError, isWorking, type Machine, machineStates, type Stage, type TimelineEvent } from '#core';
import type { Clock, Logger, WakeQueue } from '#platform';
import type { EventFeed, LifecycleWriter, MachineFilter, MachineStore } from '#store';
import type { Failures } from './failures.js';
import type { Outcome, Step, Waiting } from './outcome.js';
import { Silence } from './silence.js';
import { isStale } from './stale.js';

const pageSize = 200;
/** Machines looked at side by side. A look may wait for minutes for a machine to switch itself off: it holds a place, and little else. */
const concurrency = 1000;

interface Work {
  machines: MachineStore;
  /** Which step a machine is due; undefined: none, it rests. */
  stepOf: (machine: Machine) => Step | undefined;
  /** Those in which it is looked after what says nothing by itself: whoever looked may be no more. */
  watchedStages: readonly Stage[];
  /** Between two rounds in which every machine that is due is woken, whatever the queue knows of it. */
  sweepMs: number;
}

interface Host {
  queue: WakeQueue;
  feed: EventFeed;
  clock: Clock;
  logger: Logger;
}

/** A step that is being done. */
interface Running {
  state: Machine['state'];
  stage: Stage | null;
  abort: AbortController;
}

/**
 * Drives every machine that is worked on: looks at it when it is woken (a verb, a notify, a deadline), does its step, and
 * waits. At the start all of them are woken, and every `sweepMs` those that are due, by a word that was lost or because the
 * conductor that was to wake them is no more: a queue that lost everything costs no more than that.
 */
export class Conductor {
  private readonly stopping = new AbortController();
  private readonly running = new Map<string, Running>();
  private readonly silence: Silence;
  private unsubscribe = () => {};

  constructor(
    private readonly work: Work,
    private readonly failures: Failures,
    private readonly writer: LifecycleWriter,
    private readonly host: Host,
  ) {
    this.silence = new Silence(host.clock);
    setMaxListeners(0, this.stopping.signal); // every machine that is being looked at listens
  }

  async start(): Promise<void> {
    this.unsubscribe = this.host.feed.subscribe((event) => this.interrupt(event));
    await this.host.queue.work((machineId) => this.look(machineId), concurrency);
    await this.sweep();
    this.sweepLater();
  }

  /** Cuts short what is being waited for; the work goes on where it stands when a conductor starts again. */
  async stop(): Promise<void> {
    this.unsubscribe();
    this.stopping.abort(new DomainError('shutting-down', 'The conductor is shutting down.'));
    await this.host.queue.stopWork();
  }

  private async look(machineId: string): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const machine = await this.work.machines.byId(machineId);
      const step = machine ? this.work.stepOf(machine) : undefined;
      if (!machine || !step) return;
      if (machine.retryAt && machine.retryAt > this.host.clock.now())
        return this.host.queue.wakeAt(machine.id, machine.retryAt);
      const outcome = await this.take(machine, step);
      if (outcome.kind === 'waiting') return this.wait(machine, outcome);
    }
  }

  private async take(machine: Machine, step: Step): Promise<Outcome> {
    const abort = new AbortController();
    this.running.set(machine.id, { state: machine.state, stage: machine.stage, abort });
    const signal = AbortSignal.any([abort.signal, this.stopping.signal]);
    try {
      const outcome = await step(machine, signal);
      if (outcome.kind === 'waiting' && this.isOverdue(machine, outcome)) throw this.overdue(machine);
      return outcome;
    } catch (error) {
      if (!signal.aborted && !isStale(error)) await this.settle(machine, error);
      return { kind: 'moved' }; // cut short, or somebody was first: nothing has failed; look again
    } finally {
      this.running.delete(machine.id);
    }
  }

  /**
   * A verb has taken the machine out of the state that its step is for, or a word out of the stage: the step ends now, not when its wait
   * is over. A machine that speaks is plainly on, whatever its BMC says.
   */
  private interrupt({ kind, machineId, data }: TimelineEvent): void {
    const running = machineId === null ? undefined : this.running.get(machineId);
    if (!running) return;
    const isLeft = kind === 'stage.changed' && data.from === running.stage;
    if (isLeft || (kind === 'state.changed' && data.to !== running.state))
      running.abort.abort(new DomainError('state-changed', 'The machine has moved on.'));
  }

  private async settle(machine: Machine, error: unknown): Promise<void> {
    try {
      await this.failures.settle(machine, error);
    } catch (failure) {
      if (!isStale(failure)) throw failure;
    }
  }

  /** The deadline counts from the first look in this stage, and from each word of the installer after that. */
  private async wait(machine: Machine, { awaits, deadlineMs, lookAgainMs }: Waiting): Promise<void> {
    const until = machine.awaitsUntil ?? new Date(this.host.clock.now().getTime() + deadlineMs);
    try {
      if (machine.awaits === null) await this.writer.expect(machine, awaits, until);
    } catch (error) {
      if (!isStale(error)) throw error;
      return this.look(machine.id);
    }
    const end = this.silence.endOf(until, deadlineMs).getTime();
    const next = this.host.clock.now().getTime() + (lookAgainMs ?? Infinity);
    this.host.queue.wakeAt(machine.id, new Date(Math.min(end, next)));
  }

  private isOverdue({ awaitsUntil }: Machine, { deadlineMs }: { deadlineMs: number }): boolean {
    return awaitsUntil !== null && this.silence.endOf(awaitsUntil, deadlineMs) <= this.host.clock.now();
  }

  private overdue(machine: Machine): DomainError {
    const seconds = Math.round(
      (this.host.clock.now().getTime() - (machine.stageSince ?? machine.stateSince).getTime()) / 1000,
    );
    return new DomainError(
      'deadline-expired',
      `${machine.name} was waited for in vain: ${machine.awaits ?? 'its work'}; in the stage ${machine.stage} for ${seconds} s.`,
      { remedy: `Ask why: dodai why ${machine.name}. Its serial console shows the last sign of life.` },
    );
  }

  private async sweep(dueAt?: Date): Promise<void> {
    for (const state of machineStates.filter(isWorking)) await this.wakeAll({ state, dueAt });
    await this.wakeAll({ powerOrdered: true, dueAt });
    if (dueAt) await this.wakeAll({ stages: this.work.watchedStages });
  }

  /** But for those that are being looked at here and now. */
  private async wakeAll(
    filter: Pick<MachineFilter, 'state' | 'stages' | 'powerOrdered' | 'dueAt'>,
  ): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.work.machines.list({ ...filter, after, limit: pageSize });
      for (const { id } of page.items) if (!this.running.has(id)) await this.host.queue.wake(id);
      after = page.next ?? undefined;
    } while (after !== undefined);
  }

  private sweepLater(): void {
    this.host.clock.setTimeout(() => {
      if (this.stopping.signal.aborted) return;
      this.sweep(this.host.clock.now())
        .catch((error: unknown) => this.host.logger.warn({ error: String(error) }, 'the sweep failed'))
        .finally(() => this.sweepLater());
    }, this.work.sweepMs);
  }
}
