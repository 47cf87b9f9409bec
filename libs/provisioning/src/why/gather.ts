import {
  isWorking,
  type LastError,
  type Machine,
  machineLifecycle,
  type MachineState,
  type TimelineEvent,
} from '#core';
import type { EventStore } from '#store';
import type { Evidence, Standing } from './evidence.js';
import { bootModeDiffers } from './signs.js';

const transitions = ['state.changed', 'stage.changed', 'stage.retried'];
/** More than a work has, with all its stages and new tries. */
const transitionLimit = 60;
/** What is told of at most so many of each, the newest: of words and of console output there may be thousands. */
const told = [
  {
    kinds: [
      'bmc.',
      'dhcp.',
      'http.',
      bootModeDiffers,
      'metadata.',
      'notify.refused',
      'operator.',
      'power.',
      'tftp.',
      'wait.',
      ...transitions,
    ],
    limit: 400,
  },
  { kinds: ['installer.log', 'notify.progress'], limit: 10 },
  { kinds: ['console.output'], limit: 40 },
];

/** What is looked at, and when. */
type About = Pick<Evidence, 'machine' | 'instance' | 'image' | 'site' | 'now'>;

interface Bounds {
  standing: Standing;
  /** What led into the stage that is looked at. */
  entry: TimelineEvent | undefined;
  /** What ended it; undefined: it has not ended. */
  end: TimelineEvent | undefined;
  /** What the whole work began with. */
  began: TimelineEvent | undefined;
}

/** Reads what happened since the present or last failed work began: each query along the index on (machine, id), and bounded. */
export async function gather(events: EventStore, about: About): Promise<Evidence> {
  const { machine, now } = about;
  const machineId = machine.id;
  const order = 'desc';
  const newest = await events.list({ machineId, kinds: transitions, order, limit: transitionLimit });
  const bounds = boundsOf(machine, newest.items, now);
  const after = bounds.began && (BigInt(bounds.began.id) - 1n).toString();
  const read = await Promise.all(told.map((filter) => events.list({ machineId, after, order, ...filter })));
  const all = read.flatMap(({ items }) => items).sort(byId);
  return evidenceOf(about, bounds, all);
}

/** @param newest transitions, the newest first */
function boundsOf(machine: Machine, newest: TimelineEvent[], now: Date): Bounds {
  const standing = standingOf(machine, newest[0], now);
  const hasEnded = standing === 'retrying' || standing === 'failed';
  const end = hasEnded ? newest[0] : undefined;
  const before = hasEnded ? newest.slice(1) : newest;
  const began = before.find(({ kind }) => kind === 'state.changed');
  return { standing, end, entry: before[0], began };
}

function standingOf(machine: Machine, latest: TimelineEvent | undefined, now: Date): Standing {
  const { kind } = machineLifecycle[machine.state];
  if (kind === 'rest') return 'resting';
  if (kind === 'failed') return 'failed';
  const waits = machine.retryAt !== null && machine.retryAt > now && latest?.kind === 'stage.retried';
  return waits ? 'retrying' : 'working';
}

/** @param all of the work, the oldest first */
function evidenceOf(about: About, { standing, entry, end, began }: Bounds, all: TimelineEvent[]): Evidence {
  const { machine } = about;
  const isInStage = (event: TimelineEvent) =>
    (!entry || byId(entry, event) < 0) && (!end || byId(event, end) < 0);
  return {
    ...about,
    standing,
    ...whatOf(machine, standing, end),
    stageSince: entry?.at ?? machine.stageSince ?? machine.stateSince,
    began: began ?? null,
    events: all,
    inStage: all.filter(isInStage),
    afterwards: end ? all.filter((event) => byId(end, event) < 0) : [],
  };
}

function whatOf(
  machine: Machine,
  standing: Standing,
  end: TimelineEvent | undefined,
): Pick<Evidence, 'work' | 'stage' | 'error'> {
  if (standing === 'resting') return { work: null, stage: null, error: machine.lastError };
  if (standing === 'working') return { work: machine.state, stage: machine.stage, error: null };
  if (standing === 'retrying')
    return {
      work: machine.state,
      stage: (end?.data.from ?? null) as Evidence['stage'], // written by LifecycleWriter.retryLater
      error: (end?.data.error ?? null) as LastError | null,
    };
  const from = end?.data.from as MachineState | undefined; // written by Transitions.move
  return {
    work: from !== undefined && isWorking(from) ? from : null,
    stage: machine.failedStage,
    error: machine.lastError,
  };
}

function byId(one: TimelineEvent, other: TimelineEvent): number {
  const [a, b] = [BigInt(one.id), BigInt(other.id)];
  return a < b ? -1 : a > b ? 1 : 0;
}
