import type { DeletionStage } from '#core';
import { moved, type Step } from '../outcome.js';
import type { PowerStages } from './power-stages.js';

/** Deleting, stage by stage. A wipe that does not say `deleted` never gives the machine back. */
export function deleteSteps(power: PowerStages): Record<DeletionStage, Step> {
  const { deadlines, writer } = power;
  return {
    queued: power.cutPower,
    booting: power.startThenAwait('the live image to report in (delete)', deadlines.bootingMs),
    delete: power.await('the wipe to finish (deleted)', deadlines.deleteMs),
    deleted: async (machine, signal) => {
      const message = await power.shutDown(machine, signal);
      await writer.advance(machine, 'deleted', {
        message: `${message}; its disks are wiped and it is free again`,
      });
      return moved;
    },
  };
}
