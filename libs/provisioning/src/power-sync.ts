import {
  DomainError,
  isWorking,
  type LastError,
  type Machine,
  type MachineState,
  type TimelineEvent,
} from '#core';
import type { Clock, Logger, PowerSyncPolicy } from '#platform';
import { handOn, type ReportedPower } from '#power';
import type { EventFeed, Lane, LifecycleWriter, LookSchedule } from '#store';
import PQueue from 'p-queue';
import type { Bmc } from './bmc.js';
import { isStale } from './stale.js';

/** An answering BMC that takes longer than this keeps its place no longer. */
const handOnAfterMs = 200;
/** Half of the places that PowerControl has for BMCs that do not answer: the others are for work. */
const failingConcurrency = 8;
/** How often it is asked in an interval whether something is due, when nothing was. */
const restsPerInterval = 20;

interface Work {
  schedule: LookSchedule;
  bmc: Bmc;
  writer: LifecycleWriter;
}

interface Host {
  feed: EventFeed;
  clock: Clock;
  logger: Logger;
}

/**
 * Looks at the power of every machine that is left alone, again and again, so that the record follows the hardware. It
 * switches nothing, and gives way to work: a machine that a verb takes in hand is not looked at any further.
 */
export class PowerSync {
  /** Looks that have ended, by how: `ok`, or the code of the error. */
  readonly tally = new Map<string, number>();
  private readonly stopping = new AbortController();
  /** Machines that were claimed, by id, with the means to let them go. */
  private readonly claimed = new Map<string, AbortController>();
  private readonly looks = new Set<Promise<void>>();
  private rounds: Promise<void>[] = [];
  private unsubscribe = () => {};

  constructor(
    private readonly work: Work,
    private readonly policy: PowerSyncPolicy,
    private readonly host: Host,
  ) {}

  /** Does nothing when the interval is 0. */
  start(): void {
    if (this.policy.intervalMs === 0) return;
    this.unsubscribe = this.host.feed.subscribe((event) => this.giveWay(event));
    this.rounds = [
      this.keepLooking('answering', this.policy.concurrency),
      this.keepLooking('failing', failingConcurrency),
    ];
  }

  /** Resolves when the looks under way are cut short. */
  async stop(): Promise<void> {
    this.unsubscribe();
    const reason = new DomainError('shutting-down', 'The power sync is shutting down.');
    this.stopping.abort(reason);
    for (const look of this.claimed.values()) look.abort(reason);
    await Promise.all(this.rounds);
    await Promise.all(this.looks);
  }

  lag(): ReturnType<LookSchedule['lag']> {
    return this.work.schedule.lag();
  }

  /** No more are claimed than there are places, so that several conductors share the work. */
  private async keepLooking(lane: Lane, concurrency: number): Promise<void> {
    const places = new PQueue({ concurrency });
    while (!this.stopping.signal.aborted) {
      const due = await this.claim(lane, concurrency);
      for (const machine of due) {
        const abort = this.take(machine);
        void places.add(() => this.hold(lane, this.look(machine, abort)));
      }
      await places.onSizeLessThan(1);
      if (due.length < concurrency) await this.rest();
    }
    await places.onIdle();
  }

  private async claim(lane: Lane, limit: number): Promise<Machine[]> {
    const { intervalMs } = this.policy;
    try {
      return await this.work.schedule.claim(lane, { limit, intervalMs, except: [...this.claimed.keys()] });
    } catch (error) {
      this.host.logger.warn({ error: String(error) }, 'the power sync could not read which machines are due');
      return [];
    }
  }

  private take({ id }: Machine): AbortSignal {
    const abort = new AbortController();
    if (this.stopping.signal.aborted) abort.abort(this.stopping.signal.reason);
    this.claimed.set(id, abort);
    return abort.signal;
  }

  /** A BMC that was answering and is silent now must not hold up the others; those that fail wait for one another. */
  private hold(lane: Lane, look: Promise<void>): Promise<void> {
    return lane === 'answering' ? handOn(this.host.clock, look, handOnAfterMs) : look;
  }

  private look(machine: Machine, signal: AbortSignal): Promise<void> {
    const look = this.observe(machine, signal).finally(() => {
      this.claimed.delete(machine.id);
      this.looks.delete(look);
    });
    this.looks.add(look);
    return look;
  }

  private async observe(machine: Machine, signal: AbortSignal): Promise<void> {
    try {
      const seen = await this.ask(machine, signal);
      this.count(typeof seen === 'string' ? 'ok' : seen.code);
      if (typeof seen === 'string') await this.work.writer.recordLook(machine, seen);
      else await this.work.writer.recordBmcFault(machine, this.faultOf(seen));
    } catch (error) {
      if (signal.aborted || isStale(error)) return; // it was taken in hand meanwhile: what was seen is of no use
      this.host.logger.warn({ err: error, machine: machine.name }, 'a look at the power failed');
    }
  }

  /** The power state, or what is wrong with the BMC. */
  private async ask(machine: Machine, signal: AbortSignal): Promise<ReportedPower | DomainError> {
    signal.throwIfAborted();
    try {
      return await this.work.bmc.look(machine, signal);
    } catch (error) {
      if (signal.aborted || !isOfBmc(error)) throw error;
      return error;
    }
  }

  private count(result: string): void {
    this.tally.set(result, (this.tally.get(result) ?? 0) + 1);
  }

  private faultOf({ code, message, remedy }: DomainError): LastError {
    return { code, message, remedy, at: this.host.clock.now().toISOString() };
  }

  /** The BMC is needed for work now. */
  private giveWay({ kind, machineId, data }: TimelineEvent): void {
    const isWorkedOn = kind === 'state.changed' && isWorking(data.to as MachineState);
    if (machineId === null || (!isWorkedOn && kind !== 'power.ordered')) return;
    this.claimed.get(machineId)?.abort(new DomainError('state-changed', 'The machine is being worked on.'));
  }

  private async rest(): Promise<void> {
    const { signal } = this.stopping;
    await this.host.clock.sleep(this.policy.intervalMs / restsPerInterval, signal).catch(() => undefined);
  }
}

function isOfBmc(error: unknown): error is DomainError {
  return error instanceof DomainError && error.code.startsWith('bmc-');
}
