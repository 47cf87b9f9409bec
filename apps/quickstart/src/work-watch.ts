import type { EventView } from '#contract';
import { type MachineState, isWorking, machineStates } from '#core';
import type { DodaiClient } from '../../cli/src/client.js';
import type { Report } from './report.js';
import { QuickstartError } from './quickstart-error.js';

export type Work = 'installing' | 'deleting';

/** What a person would call the stages; the last ones take no time. */
const stageTitles: Record<Work, Record<string, string>> = {
  installing: {
    queued: 'install: seen off by its BMC',
    booting: 'install: on, network boot of the live image',
    install: 'install: partitions, image, configuration',
    install_reboot: 'install: soft-off by its BMC',
    booting_disk: 'install: on, first boot of the installed OS',
  },
  deleting: {
    queued: 'destroy: seen off by its BMC',
    booting: 'destroy: on, network boot of the live image',
    delete: 'destroy: disks wiped',
    deleted: 'destroy: soft-off by its BMC',
  },
};

const longestWorkMs = 45 * 60_000;

/** Shows the stages of a work as they pass, until the machine rests; gives the state it rests in. */
export async function watchWork(
  client: DodaiClient,
  instanceId: string,
  work: Work,
  report: Report,
  cancel: AbortSignal,
): Promise<MachineState> {
  const ended = new AbortController();
  const signal = AbortSignal.any([cancel, ended.signal, AbortSignal.timeout(longestWorkMs)]);
  const stages = new StageClock(work, report);
  try {
    for await (const event of client.followEvents({ instanceId, after: '0', signal })) {
      const rests = stages.take(event);
      if (rests) return rests;
    }
  } finally {
    ended.abort();
  }
  cancel.throwIfAborted();
  throw new QuickstartError(`the machine was still ${work} after ${longestWorkMs / 60_000} minutes`);
}

class StageClock {
  private stage: string | undefined;
  private sinceMs = 0;

  constructor(
    private readonly work: Work,
    private readonly report: Report,
  ) {}

  /** The state that ended the work, when this event says so. */
  take({ kind, at, data, message }: EventView): MachineState | undefined {
    const to = typeof data.to === 'string' ? data.to : '';
    if (kind === 'state.changed' && to === this.work) this.enter('queued', at);
    if (this.stage === undefined) return undefined;
    this.report.passing(`${this.title()}: ${message}`);
    if (kind === 'stage.changed') this.leave(to, at);
    if (kind !== 'state.changed') return undefined;
    const state = machineStates.find((known) => known === to);
    if (!state || isWorking(state)) return undefined;
    this.leave('', at);
    return state;
  }

  private enter(stage: string, at: string): void {
    this.stage = stage;
    this.sinceMs = Date.parse(at);
  }

  private leave(next: string, at: string): void {
    const title = this.title();
    if (title) this.report.finished(title, (Date.parse(at) - this.sinceMs) / 1000);
    this.enter(next, at);
  }

  private title(): string {
    return stageTitles[this.work][this.stage ?? ''] ?? '';
  }
}
