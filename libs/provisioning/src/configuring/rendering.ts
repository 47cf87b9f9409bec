import { DomainError } from '#core';
import {
  configDriveFolder,
  type DescribedInstance,
  documentsOf,
  folder,
  instanceData,
  serviceFolder,
} from '#metadata';
import type { SpawnRequest, Spawning } from '../spawning.js';
import type { InstallerTexts } from './installer-texts.js';
import type { RenderedDocument } from './rendered-document.js';
import { describedInstance, imagined, type InstanceDocuments } from './instance-documents.js';

const secret = '[secret]';
const hidden = Buffer.from(secret).toString('base64');

/** Shows what an OS is told about itself, without what is for the OS alone. */
export class Rendering {
  constructor(
    private readonly documents: InstanceDocuments,
    private readonly spawning: Spawning,
    private readonly installers: InstallerTexts,
    private readonly namespace: string,
  ) {}

  /** Throws DomainError `instance-not-found`, and `not-found` for one that has no machine any more. */
  async existing(instanceId: string): Promise<RenderedDocument[]> {
    const described = await this.documents.describe(instanceId);
    if (described)
      return [...(await this.rendered(described.instance)), ...(await this.installers.existing(instanceId))];
    throw new DomainError(
      'not-found',
      `The instance ${instanceId} has no machine any more, and so no documents.`,
      {
        remedy: 'What it was configured with is shown with the instance.',
      },
    );
  }

  /** On the machine that would be chosen now; nothing is reserved. Throws what a spawn would throw. */
  async beforehand(request: SpawnRequest): Promise<RenderedDocument[]> {
    const { instance, machine, method } = await this.spawning.imagine(request);
    const withId = { ...instance, id: imagined.id };
    return [
      ...(await this.rendered(describedInstance(withId, machine))),
      ...(await this.installers.beforehand(method, machine, withId)),
    ];
  }

  /**
   * The hash of the password, the random seed, the content of files, our own script with its token, and user data that its owner gave
   * whole are left out, wherever they would stand.
   */
  private async rendered(described: DescribedInstance): Promise<RenderedDocument[]> {
    const instance = masked(described);
    const data = await instanceData(instance);
    const { configDrive } = instance.configuration;
    const shown = folder({
      metadata: serviceFolder(instance, data, this.namespace),
      'config-drive': configDrive ? configDriveFolder(instance, data) : null,
    });
    return documentsOf(shown).map(([path, { mediaType, content }]) => ({ path, mediaType, content }));
  }
}

function masked(instance: DescribedInstance): DescribedInstance {
  const { userData, files, passwordHash } = instance.configuration;
  return {
    ...instance,
    randomSeed: secret,
    settlingScript: instance.settlingScript && '#!/bin/bash\n# [secret]\n',
    configuration: {
      ...instance.configuration,
      passwordHash: passwordHash && secret,
      userData: userData?.kind === 'own' ? { kind: 'own', base64: hidden } : userData,
      files: files.map((file) => ({ ...file, base64: hidden })),
    },
  };
}
