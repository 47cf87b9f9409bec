import { DomainError, type HandOverStage, type Machine } from '#core';
import type { InstanceStore } from '#store';
import type { Outcome, Step } from '../outcome.js';
import { intoService } from './into-service.js';
import type { PowerStages } from './power-stages.js';

/** Handing a pool machine over. Its OS fetches its new owner and says `installed`; the conductor only sees to the power. */
export function handOverSteps(power: PowerStages, instances: InstanceStore): Record<HandOverStage, Step> {
  const { bmc, deadlines, writer } = power;
  const awaits = 'the OS in the pool to take its new owner (installed)';

  /** A BMC that fails does not matter to an OS that is up: whether it is, is seen by whether it answers. */
  const wasOn = async (machine: Machine, signal: AbortSignal): Promise<boolean> => {
    try {
      if ((await bmc.status(machine, signal)) === 'on') return true;
      await bmc.ensure(machine, 'on', deadlines.powerMs, signal);
      return false;
    } catch (error) {
      if (error instanceof DomainError && error.code.startsWith('bmc-')) return true;
      throw error;
    }
  };

  return {
    offered: async (machine, signal): Promise<Outcome> => {
      const isUp = machine.awaitsUntil !== null || (await wasOn(machine, signal));
      return { kind: 'waiting', awaits, deadlineMs: isUp ? deadlines.handOverMs : deadlines.bootingDiskMs };
    },
    installed: intoService(instances, writer),
  };
}
