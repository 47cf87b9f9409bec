import type { DeletionStage } from '#core';
import { moved, type Step } from '../outcome.js';
import type { PowerStages } from './power-stages.js';

/** Deleting, stage by stage. A wipe that does not say `deleted` never gives the machine back. */
export function deleteSteps(power: PowerStages): Record<DeletionStage, Step> {
  const { deadlines, writer } = power;
  return {
    queued: (machine, signal) =>
      machine.localGb === 0
        ? power.cutPower('nothing_to_wipe', 'is off, and has no disk to be wiped')(machine, signal)
        : power.cutPower('powered_off')(machine, signal),
    booting: power.startThenAwait('the live image to report in (delete)', deadlines.bootingMs),
    delete: power.await('the wipe to finish (deleted)', deadlines.deleteMs),
    deleted: async (machine, signal) => {
      const message = await power.shutDown(machine, signal);
      await writer.advance(machine, 'deleted', {
        message: `${message}${machine.localGb === 0 ? '' : '; its disks are wiped'} and it is free again`,
      });
      return moved;
    },
  };
}
