import type { InstallationStage } from '#core';
import type { InstanceStore } from '#store';
import { moved, type Step } from '../outcome.js';
import { intoService } from './into-service.js';
import type { PowerStages } from './power-stages.js';

/** Installing, stage by stage. The installer's own words move it on from `booting`, `install` and `booting_disk`. */
export function installSteps(power: PowerStages, instances: InstanceStore): Record<InstallationStage, Step> {
  const { deadlines, writer } = power;
  return {
    queued: power.cutPower,
    booting: power.startThenAwait('the live image to report in (install)', deadlines.bootingMs),
    install: power.await('the installer to finish (install_reboot)', deadlines.installMs),
    install_reboot: async (machine, signal) => {
      const message = await power.shutDown(machine, signal);
      await writer.advanceStage(machine, 'powered_off', { message });
      return moved;
    },
    booting_disk: power.startThenAwait('the installed OS to come up (installed)', deadlines.bootingDiskMs),
    installed: intoService(instances, writer),
  };
}
