import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  firstStage,
  hasOwnPower,
  instanceEventOf,
  type InstanceState,
  isWorking,
  type MachineEvent,
  machineLifecycle,
  type MachineState,
  machineStates,
  netbootOf,
  nextInstanceState,
  nextMachineState,
  nextStage,
  notifyStates,
  retryStage,
  type Stage,
  type StageEvent,
  stagesOf,
  type Verb,
  verbs,
} from '#core';
import { isLegal, legalInstances } from './legality.js';

interface Whole {
  machine: MachineState;
  stage: Stage | null;
  instance: InstanceState | null;
  failedStage: Stage | null;
}
type Happening = MachineEvent | StageEvent | 'seen_off' | 'seen_on';

const begun: Whole = { machine: 'enrolled', stage: null, instance: null, failedStage: null };
const machineEvents = [
  ...new Set(machineStates.flatMap((state) => Object.keys(machineLifecycle[state].on) as MachineEvent[])),
];
const stageEvents = [
  ...new Set(
    machineStates.flatMap((state) =>
      Object.values(stagesOf(state) ?? {}).flatMap(({ on }) => Object.keys(on) as StageEvent[]),
    ),
  ),
];
const happenings: Happening[] = [
  ...new Set([...machineEvents, ...stageEvents, 'seen_off', 'seen_on'] as const),
];

/** A work that an installer drives ends only from its last stage. */
const endsWork = new Set<MachineEvent>(['installed_for_pool', 'installed_for_cluster', 'deleted']);
const lastStages = new Set<Stage | null>(['installed', 'deleted']);

/** A new instance on a machine that is taken, and what becomes of the one that is there. */
function instanceAfter(
  event: MachineEvent,
  to: MachineState,
  was: InstanceState | null,
): InstanceState | null {
  if (event === 'adopt') return 'active';
  if (['spawn', 'reuse', 'replace'].includes(event)) return 'building';
  if (event === 'deleted' || was === null) return null;
  const learns = instanceEventOf(event, to);
  return (learns && nextInstanceState(was, learns)) ?? was;
}

/** As the store follows it: undefined where it is refused. */
function follow({ machine, stage, instance, failedStage }: Whole, happening: Happening): Whole | undefined {
  if (happening === 'seen_off' || happening === 'seen_on') {
    const to = instance && hasOwnPower(machine) ? nextInstanceState(instance, happening) : undefined;
    return to && { machine, stage, instance: to, failedStage };
  }
  const moved = stage && nextStage(machine, stage, happening as StageEvent);
  if (moved) return { machine, stage: moved, instance, failedStage };
  const event = happening as MachineEvent;
  const to = nextMachineState(machine, event);
  if (!to || (endsWork.has(event) && !lastStages.has(stage))) return undefined;
  return {
    machine: to,
    stage: event === 'retry' ? retryStage(to, failedStage) : firstStage(to),
    instance: instanceAfter(event, to, instance),
    failedStage: machineLifecycle[to].kind === 'failed' ? stage : null,
  };
}

function everythingReachable(): Whole[] {
  const seen = new Map([[JSON.stringify(begun), begun]]);
  for (const whole of seen.values())
    for (const happening of happenings) {
      const next = follow(whole, happening);
      if (next) seen.set(JSON.stringify(next), next);
    }
  return [...seen.values()];
}

describe('a machine and its instance', () => {
  it('are together only as the table of what is legal says, and in each of its ways', () => {
    const pairs = everythingReachable().map(({ machine, instance }) => `${machine} ${instance}`);
    const legal = machineStates.flatMap((state) => legalInstances[state].map((each) => `${state} ${each}`));
    expect([...new Set(pairs)].sort()).toEqual(legal.sort());
  });

  it('can leave whatever they come to, a failed state by a verb alone', () => {
    for (const whole of everythingReachable()) {
      const ways = happenings.filter((happening) => follow(whole, happening) !== undefined);
      expect(ways, JSON.stringify(whole)).not.toEqual([]);
      if (machineLifecycle[whole.machine].kind === 'failed')
        expect(ways.filter((way) => !verbs.includes(way as Verb))).toEqual([]);
    }
  });

  it('have a stage while an installer works, and only then', () => {
    for (const { machine, stage } of everythingReachable())
      expect(stage !== null, `${machine} ${stage}`).toBe(stagesOf(machine) !== undefined);
  });
});

describe('any sequence of verbs, words and sightings', () => {
  const sequence = fc.array(fc.constantFrom(...happenings), { maxLength: 200 });

  function walk(steps: readonly Happening[], look: (whole: Whole, happened: Happening) => void): void {
    steps.reduce((whole, happening) => {
      const next = follow(whole, happening) ?? whole;
      look(next, happening);
      return next;
    }, begun);
  }

  it('keeps machine and instance legal', () => {
    fc.assert(
      fc.property(sequence, (steps) =>
        walk(steps, ({ machine, instance }) => expect(isLegal(machine, instance)).toBe(true)),
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it('gives what installs or wipes only at work, and never again after an installer began, until a verb or a new try', () => {
    const starts = new Set<Happening>(['spawn', 'replace', 'rebuild', 'retry', 'not_taken', 'destroy']);
    fc.assert(
      fc.property(sequence, (steps) => {
        let written = false;
        walk(steps, ({ machine, stage }, happened) => {
          if (starts.has(happened)) written = false;
          if (machine === 'installing' && stage === 'install') written = true;
          const given = netbootOf(machine, stage);
          const isWork = given === 'installer' || given === 'wipe';
          if (isWork) expect(isWorking(machine)).toBe(true);
          if (written && machine === 'installing') expect(isWork).toBe(false);
        });
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('frees a machine that has a disk only when it said that it is wiped', () => {
    const withDisk = (happened: Happening) => happened !== 'nothing_to_wipe';
    fc.assert(
      fc.property(sequence, (steps) => {
        let dirty = false;
        walk(steps.filter(withDisk), ({ machine, stage }) => {
          if (machine === 'installing' && stage === 'install') dirty = true;
          if (machine === 'deleting' && stage === 'deleted') dirty = false;
          if (machine === 'inactive') expect(dirty).toBe(false);
        });
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

it('every word of an installer is one of some stage, or the end of a work', () => {
  for (const word of notifyStates) expect(word === 'failed' || stageEvents.includes(word), word).toBe(true);
});
