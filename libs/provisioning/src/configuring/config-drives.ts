import { DomainError } from '#core';
import {
  configDriveFolder,
  type ConfigDriveWriter,
  type DriveForm,
  driveForm,
  type DriveFormat,
  type ReadyConfigDrives,
} from '#metadata';
import type { SecretBox } from '#platform';
import type { ConfigDriveStore } from '#store';
import { checkInstanceToken } from '../instance-tokens.js';
import type { InstanceDocuments } from './instance-documents.js';

interface Programs {
  writer: ConfigDriveWriter;
  ready: ReadyConfigDrives;
}

/** The config drives that go to disks: those that owners gave, and those that are made of an instance's documents. */
export class ConfigDrives {
  constructor(
    private readonly drives: ConfigDriveStore,
    private readonly documents: InstanceDocuments,
    private readonly programs: Programs,
    private readonly settings: { box: SecretBox; format: DriveFormat },
  ) {}

  /**
   * The file system for a disk with such sectors, for whoever has the instance's token. Throws DomainError `notify-forbidden`,
   * `instance-not-found`, and `not-found` when the instance has none, or no machine any more.
   */
  async image(instanceId: string, token: string, sectorBytes: DriveForm['sectorBytes']): Promise<Buffer> {
    checkInstanceToken(this.settings.box, instanceId, token);
    const given = await this.drives.find(instanceId);
    const { writer, ready } = this.programs;
    if (given) return ready.fitted(await ready.inspected(given), sectorBytes);
    const described = await this.documents.describe(instanceId);
    if (!described?.instance.configuration.configDrive) throw noDrive(instanceId);
    const { instance, data } = described;
    return writer.write(configDriveFolder(instance, data), driveForm(this.settings.format, sectorBytes));
  }
}

function noDrive(instanceId: string): DomainError {
  return new DomainError('not-found', `There is no config drive for the instance ${instanceId}.`, {
    remedy: 'It was spawned without one, or its machine is no longer its own.',
  });
}
