import type { InstallationStage, Machine } from '#core';
import type { InstanceStore } from '#store';
import type { InstallMethod } from '../methods/install-method.js';
import type { InstallMethods } from '../methods/install-methods.js';
import { moved, type Step } from '../outcome.js';
import { intoService } from './into-service.js';
import type { PowerStages } from './power-stages.js';

/**
 * Installing, stage by stage. The installer's own words move it on from `booting`, `install` and `booting_disk`; which way it goes
 * from `queued`, and what is awaited, is a matter of the install method.
 */
export function installSteps(
  power: PowerStages,
  instances: InstanceStore,
  methods: InstallMethods,
): Record<InstallationStage, Step> {
  const { deadlines, writer } = power;
  const methodOf = async ({ instanceId }: Machine): Promise<InstallMethod> => {
    const { installMethod } = await instances.get(instanceId ?? '');
    return methods.get(installMethod ?? 'copy');
  };
  const awaitOs = power.startThenAwait('the installed OS to come up (installed)', deadlines.bootingDiskMs);

  return {
    queued: async (machine, signal) => {
      const { begins } = await methodOf(machine);
      return power.cutPower(begins)(machine, signal);
    },
    booting: async (machine, signal) => {
      const { installer } = await methodOf(machine);
      return power.startThenAwait(`${installer} to report in (install)`, deadlines.bootingMs)(
        machine,
        signal,
      );
    },
    operator: power.await('a person to install it (done or failed)', deadlines.operatorMs),
    install: power.await('the installer to finish (install_reboot)', deadlines.installMs),
    install_reboot: async (machine, signal) => {
      const message = await power.shutDown(machine, signal);
      await writer.advanceStage(machine, 'powered_off', { message });
      return moved;
    },
    booting_disk: awaitOs,
    starting: awaitOs,
    installed: intoService(instances, writer),
  };
}
