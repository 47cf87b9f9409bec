import type { EventView } from '#contract';
import { type MachineState, type Stage, wayThrough } from '#core';

type Work = 'installation' | 'hand-over' | 'deletion';

/** The machine state that begins a work. */
const beginnings: Record<Work, MachineState> = {
  installation: 'installing',
  'hand-over': 'handing_over',
  deletion: 'deleting',
};
const works = new Map(Object.entries(beginnings).map(([work, state]) => [state as string, work as Work]));

export interface StageLine {
  stage: Stage;
  /** `skipped`: the machine went on without it. */
  kind: 'done' | 'running' | 'failed' | 'skipped' | 'ahead';
  /** When the stage began; null where it has not. */
  from: Date | null;
  /** When it was left; null while it is running. */
  to: Date | null;
}

interface Entry {
  stage: Stage;
  from: Date;
  to: Date | null;
}

interface Ending {
  at: Date;
  failed: boolean;
}

/** The present work of an instance's machine and the time of each of its stages, read from the timeline. */
export class WorkTimeline {
  work: Work = 'installation';
  /** When the present work began, its first try. */
  startedAt: Date | null = null;
  /** The machine state that was told last. */
  lastState: string | null = null;
  #entered: Entry[] = [];
  #ending: Ending | null = null;

  apply({ kind, at, data }: EventView): void {
    const to = typeof data.to === 'string' ? data.to : '';
    if (kind === 'stage.changed') this.#enter(to as Stage, new Date(at));
    if (kind === 'stage.retried') this.#goBack(to as Stage, new Date(at));
    if (kind === 'state.changed') this.#changeState(to, data.stage, new Date(at));
  }

  get endedAt(): Date | null {
    return this.#ending?.at ?? null;
  }

  get present(): Stage | null {
    return this.#entered.at(-1)?.stage ?? null;
  }

  lines(): StageLine[] {
    const reached = this.#placeOf(this.present);
    return this.#plan().map((stage, place) => this.#line(stage, place < reached));
  }

  #plan(): Stage[] {
    return wayThrough(
      beginnings[this.work],
      this.#entered.map(({ stage }) => stage),
    );
  }

  #placeOf(stage: Stage | null): number {
    return this.#plan().findIndex((planned) => planned === stage);
  }

  #line(stage: Stage, isPast: boolean): StageLine {
    const entry = this.#entered.find((one) => one.stage === stage);
    if (!entry) return { stage, kind: isPast ? 'skipped' : 'ahead', from: null, to: null };
    const { from, to } = entry;
    if (to) return { stage, kind: 'done', from, to };
    if (!this.#ending) return { stage, kind: 'running', from, to: null };
    return { stage, kind: this.#ending.failed ? 'failed' : 'done', from, to: this.#ending.at };
  }

  #enter(stage: Stage, at: Date): void {
    const last = this.#entered.at(-1);
    if (last) last.to ??= at;
    this.#entered.push({ stage, from: at, to: null });
  }

  /** A new try: what comes from this stage on has not happened yet. */
  #goBack(stage: Stage, at: Date): void {
    const place = this.#placeOf(stage);
    this.#entered = this.#entered.filter((entry) => this.#placeOf(entry.stage) < place);
    this.#enter(stage, at);
  }

  #changeState(state: string, stage: unknown, at: Date): void {
    this.lastState = state;
    const begun = works.get(state);
    if (!begun) {
      this.#ending ??= { at, failed: state.endsWith('_failed') };
      return;
    }
    this.work = begun;
    this.startedAt = at;
    this.#entered = [];
    const plan = this.#plan();
    const first = plan.find((planned) => planned === stage) ?? plan[0];
    if (first) this.#enter(first, at);
    this.#ending = null;
  }
}
