import type { EventView } from '#contract';
import { deletionStages, handOverStages, installationStages, type Stage } from '#core';

type Work = 'installation' | 'hand-over' | 'deletion';

const plans: Record<Work, Stage[]> = {
  installation: Object.keys(installationStages) as Stage[],
  'hand-over': Object.keys(handOverStages) as Stage[],
  deletion: Object.keys(deletionStages) as Stage[],
};

/** The machine states that begin a work. */
const beginnings: Record<string, Work> = {
  installing: 'installation',
  handing_over: 'hand-over',
  deleting: 'deletion',
};

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
    return plans[this.work].map((stage, place) => this.#line(stage, place < reached));
  }

  #placeOf(stage: Stage | null): number {
    return plans[this.work].findIndex((planned) => planned === stage);
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
    const begun = beginnings[state];
    if (!begun) {
      this.#ending ??= { at, failed: state.endsWith('_failed') };
      return;
    }
    this.work = begun;
    this.startedAt = at;
    const first = plans[begun].find((planned) => planned === stage) ?? plans[begun][0];
    this.#entered = first ? [{ stage: first, from: at, to: null }] : [];
    this.#ending = null;
  }
}
