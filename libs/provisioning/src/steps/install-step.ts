import { type InstallationStage, type Instance, type Machine } from '#core';
import type { ImageStore, InstanceStore, InstanceTypeStore } from '#store';
import { addressesOf } from '../methods/completion.js';
import type { InstallMethod } from '../methods/install-method.js';
import type { InstallMethods } from '../methods/install-methods.js';
import { installationOf } from '../methods/installation.js';
import type { OperatorCalls } from '../operator-calls.js';
import { moved, type Step } from '../outcome.js';
import type { SshGreetings } from '../ssh-greetings.js';
import { awaitOsStep } from './await-os-step.js';
import { intoService } from './into-service.js';
import { operatorStep } from './operator-step.js';
import type { PowerStages } from './power-stages.js';

interface Stores {
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
}

interface Means {
  methods: InstallMethods;
  calls: OperatorCalls;
  ssh: SshGreetings;
}

/**
 * Installing, stage by stage. The installer's own words move it on from `booting`, `install` and `booting_disk`; which way it goes
 * from `queued`, and what is awaited, is a matter of the install method.
 */
export function installSteps(
  power: PowerStages,
  stores: Stores,
  { methods, calls, ssh }: Means,
): Record<InstallationStage, Step> {
  const { deadlines, writer } = power;
  const known = async ({ instanceId }: Machine): Promise<{ instance: Instance; method: InstallMethod }> => {
    const instance = await stores.instances.get(instanceId ?? '');
    return { instance, method: methods.get(instance.installMethod ?? 'copy') };
  };
  const callOf = async (machine: Machine) => {
    const { instance, method } = await known(machine);
    const installation = await installationOf(stores, machine, instance);
    return { installation, call: method.call(installation) };
  };
  const placesOf = async (machine: Machine) => {
    const { instance, method } = await known(machine);
    const image = await stores.images.find(instance.imageId ?? '');
    return method.completion(image) === 'ssh' ? addressesOf(machine, instance.configuration) : null;
  };
  const awaitOs = awaitOsStep(power, ssh, placesOf);

  return {
    queued: async (machine, signal) => {
      const { instance, method } = await known(machine);
      await method.prepare(await installationOf(stores, machine, instance));
      return power.cutPower(method.begins)(machine, signal);
    },
    booting: async (machine, signal) => {
      const { installer } = (await known(machine)).method;
      return power.startThenAwait(`${installer} to report in (install)`, deadlines.bootingMs)(
        machine,
        signal,
      );
    },
    operator: operatorStep(power, calls, callOf),
    install: power.await('the installer to finish (install_reboot)', deadlines.installMs),
    install_reboot: async (machine, signal) => {
      const message = await power.shutDown(machine, signal);
      await writer.advanceStage(machine, 'powered_off', { message });
      return moved;
    },
    booting_disk: awaitOs,
    starting: awaitOs,
    installed: intoService(stores.instances, writer),
  };
}
