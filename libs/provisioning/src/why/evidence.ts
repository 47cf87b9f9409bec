import type { Image, Instance, LastError, Machine, MachineState, Stage, TimelineEvent } from '#core';
import type { Config } from '#platform';
import { sshAwaited } from '../steps/await-os-step.js';

/**
 * How a machine stands. *retrying*: its work failed and begins anew at `retryAt`. *resting*: nothing is awaited, though an
 * order to its power may be in hand.
 */
export type Standing = 'working' | 'retrying' | 'failed' | 'resting';

/** What of the configuration decides what can be seen, and what one checks. */
export type Site = Pick<Config, 'publicUrl'> & { dhcp: Config['dhcp']['mode'] };

/** What happened since the present work began, or the one that failed, or the rest. All events are the oldest first. */
export interface Evidence {
  machine: Machine;
  instance: Instance | null;
  /** What the instance runs. */
  image: Image | null;
  site: Site;
  now: Date;
  standing: Standing;
  /** The work that is looked at; null at rest, and where none failed. */
  work: MachineState | null;
  /** The stage that is looked at: the present one, or the one that failed. */
  stage: Stage | null;
  /** When that stage began, or the rest. */
  stageSince: Date;
  /** What ended it, or what a power order at rest came to. */
  error: LastError | null;
  /** What the work began with; null when it is no longer on the timeline. */
  began: TimelineEvent | null;
  events: TimelineEvent[];
  /** Those of the stage that is looked at. */
  inStage: TimelineEvent[];
  /** What came after the work had failed. */
  afterwards: TimelineEvent[];
}

/** Something that happened, to be shown. */
export interface Fact {
  at: Date;
  what: string;
}

/** The facts as they are told: the same thing again and again is one fact, the last time counts. At most `limit`, the newest. */
export function factsOf(events: readonly TimelineEvent[], limit = 6): Fact[] {
  const told = new Map<string, { at: Date; times: number }>();
  for (const { message, at } of events) {
    const times = (told.get(message)?.times ?? 0) + 1;
    told.delete(message); // to be the newest in the order of the map
    told.set(message, { at, times });
  }
  const facts = [...told].map(([what, { at, times }]) => ({
    at,
    what: times === 1 ? what : `${what} (${times} times)`,
  }));
  return facts.slice(-limit);
}

/** What is awaited on SSH, in words; undefined: nothing is. An OS that is to answer there need not ask us for anything. */
export function awaitedOnSsh({ inStage }: Evidence): string | undefined {
  const awaits = inStage.findLast(({ kind }) => kind === 'wait.began')?.data.awaits;
  return typeof awaits === 'string' && awaits.startsWith(sshAwaited) ? awaits : undefined;
}

/**
 * Whether a word of the machine is awaited in the stage, or was until its deadline ran out or somebody broke it off. In a stage that
 * begins with a power on it is awaited only after that; in those of an installer at work, at once.
 */
export function isAwaited({ standing, stage, machine, error, inStage }: Evidence): boolean {
  const isAtWork = stage === 'install' || stage === 'delete';
  if (standing === 'working') return isAtWork || machine.awaits !== null;
  const endedWaiting = error?.code === 'deadline-expired' || error?.code === 'aborted';
  return endedWaiting && (isAtWork || inStage.some(({ kind }) => kind === 'wait.began'));
}
