import type { Machine } from '#core';
import type { InstanceStore, MachineStore } from '#store';
import type { InstallMethod } from '../methods/install-method.js';
import type { InstallMethods } from '../methods/install-methods.js';
import { installationOf, type InstallationStores } from '../methods/installation.js';
import type { DescribedOf } from './instance-documents.js';
import type { RenderedDocument } from './rendered-document.js';

interface Stores extends InstallationStores {
  machines: MachineStore;
  instances: InstanceStore;
}

/** Shows what an installer is given, without its secrets. */
export class InstallerTexts {
  constructor(
    private readonly stores: Stores,
    private readonly methods: InstallMethods,
  ) {}

  /** Of an instance that has a machine. */
  async existing(instanceId: string): Promise<RenderedDocument[]> {
    const { machines, instances } = this.stores;
    const instance = await instances.get(instanceId);
    const machine = await machines.byId(instance.machineId ?? '');
    const { installMethod } = instance;
    return machine && installMethod
      ? this.beforehand(this.methods.get(installMethod), machine, instance)
      : [];
  }

  async beforehand(
    method: InstallMethod,
    machine: Machine,
    instance: DescribedOf,
  ): Promise<RenderedDocument[]> {
    if (instance.imageId === null) return [];
    const installation = await installationOf(this.stores, machine, withoutSecrets(instance));
    const texts = await method.preview(installation);
    return texts.map(({ name, text }) => ({
      path: `installer/${name}`,
      mediaType: 'text/plain',
      content: Buffer.from(text),
    }));
  }
}

function withoutSecrets(instance: DescribedOf): DescribedOf {
  const { configuration } = instance;
  return {
    ...instance,
    configuration: { ...configuration, passwordHash: configuration.passwordHash && '[secret]' },
  };
}
