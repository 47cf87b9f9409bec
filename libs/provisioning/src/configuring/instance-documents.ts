import { randomBytes } from 'node:crypto';
import { type Instance, type Machine } from '#core';
import {
  checkDriveSize,
  configDriveFolder,
  type DescribedInstance,
  instanceData,
  type InstanceData,
} from '#metadata';
import type { InstanceStore, MachineStore } from '#store';
import { nicsOf } from './cards.js';
import type { Settling } from './settling.js';

/** What every document of an instance is made from. */
interface Described {
  instance: DescribedInstance;
  data: InstanceData;
}

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
}

/** How much a kernel of today takes at once; nova gives as much. */
const seedBytes = 512;

/** What the library of documents is to know of an instance, looked up. */
export class InstanceDocuments {
  constructor(
    private readonly stores: Stores,
    private readonly settling: Settling,
  ) {}

  /**
   * null: it has no machine any more, and so there is nobody to be told. Throws DomainError `instance-not-found`, and
   * `user-data-invalid`, `user-data-too-large` or `invalid-request` for what cannot be put together.
   */
  async describe(instanceId: string): Promise<Described | null> {
    const instance = await this.stores.instances.get(instanceId);
    const machine = instance.machineId === null ? null : await this.stores.machines.byId(instance.machineId);
    // One that was given up without a wipe still has its machine, and is nobody's.
    if (machine?.instanceId !== instanceId || instance.state === 'deleted') return null;
    const settlingScript = await this.settling.script(instance);
    const described = { ...describedInstance(instance, machine), settlingScript };
    return { instance: described, data: await instanceData(described) };
  }
}

export function describedInstance(instance: DescribedOf, machine: Machine): DescribedInstance {
  const { id, hostName, imageId, instanceType, cluster, configuration } = instance;
  const { availabilityZone } = machine;
  const same = { id, hostName, imageId, instanceType, cluster, configuration, availabilityZone };
  return {
    ...same,
    rootDevice: null,
    nics: nicsOf(machine),
    randomSeed: randomBytes(seedBytes).toString('base64'),
    settlingScript: null,
  };
}

/** What an instance is known by, there already or not. */
export type DescribedOf = Pick<
  Instance,
  'id' | 'hostName' | 'imageId' | 'instanceType' | 'cluster' | 'configuration'
>;

/** Of an instance that is not there yet. */
export const imagined = { id: '00000000-0000-4000-8000-000000000000', imageId: null };

/** That they can be made, and fit where they go: told before a machine is switched on. Throws what making them would throw. */
export async function checkDocuments(instance: DescribedOf, machine: Machine): Promise<void> {
  const described = describedInstance(instance, machine);
  const drive = configDriveFolder(described, await instanceData(described));
  if (instance.configuration.configDrive) checkDriveSize(drive);
}
