import { setMaxListeners } from 'node:events';
import { DomainError, isWorking, type LastError, type Machine, machineStates } from '#core';
import type { Clock, Logger, WakeQueue } from '#platform';
import type { LifecycleWriter, MachineStore } from '#store';
import type { Outcome, Step } from './outcome.js';

const sweepMs = 60_000;
const pageSize = 200;
/** Machines looked at side by side; a look may wait for a machine to switch itself off. */
const concurrency = 100;

/** Which step a machine is due; undefined: none, it rests. */
export type StepOf = (machine: Machine) => Step | undefined;

/**
 * Drives every machine in a working state: looks at it when it is woken (a verb, a notify, a deadline), does its step, and
 * waits. At the start and once a minute all of them are woken: a queue that lost everything costs no more than that.
 */
export class Conductor {
  private readonly stopping = new AbortController();

  constructor(
    private readonly machines: MachineStore,
    private readonly writer: LifecycleWriter,
    private readonly stepOf: StepOf,
    private readonly host: { queue: WakeQueue; clock: Clock; logger: Logger },
  ) {
    setMaxListeners(0, this.stopping.signal); // every machine that is being looked at listens
  }

  async start(): Promise<void> {
    await this.host.queue.work((machineId) => this.look(machineId), concurrency);
    await this.sweep();
    this.sweepLater();
  }

  /** Cuts short what is being waited for; the work goes on where it stands when a conductor starts again. */
  async stop(): Promise<void> {
    this.stopping.abort(new DomainError('shutting-down', 'The conductor is shutting down.'));
    await this.host.queue.stopWork();
  }

  private async look(machineId: string): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const machine = await this.machines.byId(machineId);
      const step = machine && isWorking(machine.state) ? this.stepOf(machine) : undefined;
      if (!machine || !step) return;
      const outcome = await this.take(machine, step);
      if (outcome.kind === 'waiting') return this.wait(machine, outcome);
    }
  }

  private async take(machine: Machine, step: Step): Promise<Outcome> {
    try {
      if (this.isOverdue(machine)) throw this.overdue(machine);
      return await step(machine, this.stopping.signal);
    } catch (error) {
      if (this.stopping.signal.aborted) return { kind: 'moved' }; // the loop ends; nothing is recorded as failed
      if (isStale(error)) return { kind: 'moved' };
      return this.fail(machine, error);
    }
  }

  private async fail(machine: Machine, error: unknown): Promise<Outcome> {
    const lastError = lastErrorOf(error, this.host.clock.now());
    if (lastError.code === 'internal')
      this.host.logger.error({ error, machine: machine.name }, 'a step failed');
    try {
      await this.writer.advance(machine, 'failed', { message: lastError.message, error: lastError });
    } catch (failure) {
      if (!isStale(failure)) throw failure;
    }
    return { kind: 'moved' };
  }

  /** The deadline counts from the first look in this stage, and from each word of the installer after that. */
  private async wait(machine: Machine, { awaits, deadlineMs }: Outcome & { kind: 'waiting' }): Promise<void> {
    const until = machine.awaitsUntil ?? new Date(this.host.clock.now().getTime() + deadlineMs);
    try {
      if (machine.awaits === null) await this.writer.expect(machine, awaits, until);
    } catch (error) {
      if (!isStale(error)) throw error;
      return this.look(machine.id);
    }
    await this.host.queue.wakeAt(machine.id, until);
  }

  private isOverdue({ awaitsUntil }: Machine): boolean {
    return awaitsUntil !== null && awaitsUntil <= this.host.clock.now();
  }

  private overdue(machine: Machine): DomainError {
    const seconds = Math.round(
      (this.host.clock.now().getTime() - (machine.stageSince ?? machine.stateSince).getTime()) / 1000,
    );
    return new DomainError(
      'deadline-expired',
      `${machine.name} was waited for in vain: ${machine.awaits ?? 'its work'}; in the stage ${machine.stage} for ${seconds} s.`,
      { remedy: "Look at the machine's events and its serial console for the last sign of life." },
    );
  }

  private async sweep(): Promise<void> {
    for (const state of machineStates.filter(isWorking)) {
      let after: string | undefined;
      do {
        const page = await this.machines.list({ state, after, limit: pageSize });
        for (const machine of page.items) await this.host.queue.wake(machine.id);
        after = page.next ?? undefined;
      } while (after !== undefined);
    }
  }

  private sweepLater(): void {
    this.host.clock.setTimeout(() => {
      if (this.stopping.signal.aborted) return;
      this.sweep()
        .catch((error: unknown) => this.host.logger.warn({ error: String(error) }, 'the sweep failed'))
        .finally(() => this.sweepLater());
    }, sweepMs);
  }
}

function isStale(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'state-changed';
}

function lastErrorOf(error: unknown, now: Date): LastError {
  const at = now.toISOString();
  if (error instanceof DomainError)
    return { code: error.code, message: error.message, remedy: error.remedy, at };
  return {
    code: 'internal',
    message: 'A fault in the controller itself stopped the work; its log has the details.',
    at,
  };
}
