import type { EventView } from '#contract';
import { type Stage, deletionStages, installationStages } from '#core';

type Work = 'installation' | 'deletion';

const plans: Record<Work, Stage[]> = {
  installation: Object.keys(installationStages) as Stage[],
  deletion: Object.keys(deletionStages) as Stage[],
};

/** The machine states that begin a work. */
const beginnings: Record<string, Work> = { installing: 'installation', deleting: 'deletion' };

export interface StageLine {
  stage: Stage;
  /** `skipped`: the machine went on without it. */
  kind: 'done' | 'running' | 'failed' | 'skipped' | 'ahead';
  /** When the stage began; null where it has not. */
  from: Date | null;
  /** When it was left; null while it is running. */
  to: Date | null;
}

interface Ending {
  at: Date;
  failed: boolean;
}

/** The present work of an instance's machine and the time of each of its stages, read from the timeline. */
export class WorkTimeline {
  work: Work = 'installation';
  #entered: { stage: Stage; at: Date }[] = [];
  #ending: Ending | null = null;

  apply({ kind, at, data }: EventView): void {
    const to = typeof data.to === 'string' ? data.to : '';
    if (kind === 'stage.changed') this.#entered.push({ stage: to as Stage, at: new Date(at) });
    if (kind === 'state.changed') this.#changeState(to, new Date(at));
  }

  get startedAt(): Date | null {
    return this.#entered[0]?.at ?? null;
  }

  get endedAt(): Date | null {
    return this.#ending?.at ?? null;
  }

  get present(): Stage | null {
    return this.#entered.at(-1)?.stage ?? null;
  }

  lines(): StageLine[] {
    const plan = plans[this.work];
    const reached = plan.findIndex((stage) => stage === this.present);
    return plan.map((stage, place) => this.#line(stage, place < reached));
  }

  #line(stage: Stage, isPast: boolean): StageLine {
    const place = this.#entered.findIndex((entry) => entry.stage === stage);
    if (place === -1) return { stage, kind: isPast ? 'skipped' : 'ahead', from: null, to: null };
    const from = this.#entered[place]?.at ?? null;
    const left = this.#entered[place + 1]?.at ?? null;
    if (left) return { stage, kind: 'done', from, to: left };
    if (!this.#ending) return { stage, kind: 'running', from, to: null };
    return { stage, kind: this.#ending.failed ? 'failed' : 'done', from, to: this.#ending.at };
  }

  #changeState(state: string, at: Date): void {
    const begun = beginnings[state];
    if (!begun) {
      this.#ending ??= { at, failed: state.endsWith('_failed') };
      return;
    }
    this.work = begun;
    this.#entered = [{ stage: 'queued', at }];
    this.#ending = null;
  }
}
