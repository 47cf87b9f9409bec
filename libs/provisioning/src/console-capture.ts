import { firstStage, type Machine, machineStates, stagesOf, type TimelineEvent } from '#core';
import type { ConsoleSource } from '#power';
import type { ConsoleStore, EventFeed, EventStore, MachineLocks, MachineStore } from '#store';
import type { Clock, Logger } from '#platform';
import type { Bmc } from './bmc.js';
import { WorkConsole } from './work-console.js';

interface Stores {
  machines: MachineStore;
  events: EventStore;
  consoles: ConsoleStore;
  locks: MachineLocks;
}

interface Host {
  feed: EventFeed;
  clock: Clock;
  logger: Logger;
  /** Sessions at a time. */
  sessions: number;
  /** After the end of a work: its last words are worth hearing, such as the login prompt, or the reason of a failure. */
  lingerMs?: number;
}

/** The capture of one work, from its first boot on. */
interface Work {
  abort: AbortController;
  isEnding: boolean;
  ended: Promise<void>;
}

const usualLingerMs = 15_000;
const pageSize = 200;

/**
 * Listens to the serial console of every machine while it is worked on, as the timeline tells that it is. Of several conductors the
 * one that holds the machine's lock listens; when that one died, another takes over with the next stage.
 */
export class ConsoleCapture {
  private readonly works = new Map<string, Work>();
  private used = 0;
  private unsubscribe = () => {};

  constructor(
    private readonly stores: Stores,
    private readonly bmc: Bmc,
    private readonly source: ConsoleSource,
    private readonly host: Host,
  ) {}

  /** Also takes up what was under way. */
  async start(): Promise<void> {
    if (this.host.sessions === 0) return;
    this.unsubscribe = this.host.feed.subscribe((event) => this.onEvent(event));
    for (const state of machineStates.filter(stagesOf)) {
      for (let after: string | null | undefined; after !== null;) {
        const page = await this.stores.machines.list({ state, after, limit: pageSize });
        for (const machine of page.items) if (isBooted(machine)) this.begin(machine.id);
        after = page.next;
      }
    }
  }

  /** Logs out of every console. */
  async stop(): Promise<void> {
    this.unsubscribe();
    const works = [...this.works.values()];
    for (const { abort } of works) abort.abort();
    await Promise.all(works.map(({ ended }) => ended));
  }

  private onEvent({ kind, machineId, data }: TimelineEvent): void {
    if (machineId === null) return;
    if (kind === 'stage.changed' && data.to !== 'queued') this.begin(machineId);
    if (kind !== 'state.changed') return;
    this.end(machineId);
    const to = machineStates.find((state) => state === data.to);
    if (to && isBooted({ state: to, stage: firstStage(to) })) this.begin(machineId);
  }

  /** A work that is captured, or cannot be, is let be; one that still lingers makes room for the next. */
  private begin(machineId: string): void {
    const before = this.works.get(machineId);
    if (before && !before.isEnding) return;
    const abort = new AbortController();
    const work: Work = { abort, isEnding: false, ended: Promise.resolve() };
    this.works.set(machineId, work);
    work.ended = this.capture(machineId, abort.signal, before)
      .catch((error: unknown) => {
        this.host.logger.warn({ err: error, machineId }, 'a console could not be captured');
        return 'again' as const;
      })
      .then((next) => {
        if (next === 'again') work.isEnding = true;
        this.forget(machineId, work);
      });
  }

  private end(machineId: string): void {
    const work = this.works.get(machineId);
    if (!work) return;
    work.isEnding = true;
    const { clock, lingerMs = usualLingerMs } = this.host;
    const timer = clock.setTimeout(() => work.abort.abort(), lingerMs);
    void work.ended.then(() => {
      timer.cancel();
      this.forget(machineId, work);
    });
  }

  private forget(machineId: string, work: Work): void {
    if (work.isEnding && this.works.get(machineId) === work) this.works.delete(machineId);
  }

  /** `again`: it was not for this conductor now, which may be otherwise with the next stage. */
  private async capture(machineId: string, signal: AbortSignal, before?: Work): Promise<'again' | 'done'> {
    before?.abort.abort();
    await before?.ended;
    const machine = await this.stores.machines.byId(machineId);
    if (signal.aborted || !machine || !isBooted(machine)) return 'again';
    const lock = await this.stores.locks.take('console', machineId);
    if (!lock) return 'again';
    try {
      await this.inSlot(machine, AbortSignal.any([signal, lock.signal]));
      return lock.signal.aborted ? 'again' : 'done';
    } finally {
      await lock.release();
    }
  }

  private async inSlot(machine: Machine, signal: AbortSignal): Promise<void> {
    const { events, consoles } = this.stores;
    const { sessions, clock, logger } = this.host;
    if (this.used >= sessions) return this.skip(machine);
    this.used += 1;
    try {
      const leftOpen = await consoles.wasLeftOpen(machine.id);
      const console = new WorkConsole(machine, { source: this.source, events, clock, logger });
      await console.run(() => this.bmc.address(machine), signal, leftOpen);
    } finally {
      this.used -= 1;
    }
  }

  private async skip({ id: machineId, instanceId, name }: Machine): Promise<void> {
    const { sessions } = this.host;
    await this.stores.events.append({
      kind: 'console.skipped',
      machineId,
      instanceId,
      message: `the serial console of ${name} is not captured: all ${sessions} sessions are in use (DODAI_CONSOLE_SESSIONS)`,
      data: { sessions },
    });
  }
}

/** Whether its work has come so far that the machine was switched on, or always was. */
function isBooted({ state, stage }: Pick<Machine, 'state' | 'stage'>): boolean {
  return stagesOf(state) !== undefined && stage !== null && stage !== 'queued';
}
