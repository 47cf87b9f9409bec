import type { Machine, StageEvent } from '#core';
import type { Deadlines } from '#platform';
import type { LifecycleWriter } from '#store';
import type { Bmc } from '../bmc.js';
import { moved, type Step, type Waiting } from '../outcome.js';

/** What installing and deleting have in common: switching a machine off, and on, and waiting for its word. */
export class PowerStages {
  constructor(
    readonly bmc: Bmc,
    readonly writer: LifecycleWriter,
    readonly deadlines: Deadlines,
  ) {}

  /** Nothing that runs on the machine is worth keeping: cut the power, see it off, go on. */
  cutPower(then: StageEvent, told = 'is off'): Step {
    return async (machine, signal) => {
      await this.bmc.ensure(machine, 'off', this.deadlines.powerMs, signal);
      await this.writer.advanceStage(machine, then, { message: `${machine.name} ${told}` });
      return moved;
    };
  }

  /** The OS may finish its writing: ask, wait, then cut the power when it does not obey. */
  async shutDown(machine: Machine, signal: AbortSignal): Promise<string> {
    const { softOffMs, powerMs } = this.deadlines;
    const how = await this.bmc.shutDown(machine, softOffMs, powerMs, signal);
    if (how === 'hard')
      return `${machine.name} ignored soft-off for ${softOffMs / 1000} s and was switched off hard`;
    return `${machine.name} is off`;
  }

  /**
   * Switches on a machine that was seen off when this stage began, then waits. Once something is awaited the BMC is left
   * alone: a BMC that fails now must not harm a machine that is plainly at work.
   */
  startThenAwait(awaits: string, deadlineMs: number): Step<Waiting> {
    return async (machine, signal): Promise<Waiting> => {
      if (machine.awaitsUntil === null) await this.bmc.ensure(machine, 'on', this.deadlines.powerMs, signal);
      return { kind: 'waiting', awaits, deadlineMs };
    };
  }

  await(awaits: string, deadlineMs: number): Step {
    return async () => ({ kind: 'waiting', awaits, deadlineMs });
  }
}
