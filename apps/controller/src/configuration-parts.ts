import { join } from 'node:path';
import type { ImageDownloads } from '#images';
import { ConfigDriveWriter, ReadyConfigDrives, UserDataChecks } from '#metadata';
import type { Config, ProcessRunner, SecretBox } from '#platform';
import { ConfigDrives, Configuring, Doctor, GivenDrives, InstanceDocuments, Settling } from '#provisioning';
import type {
  ConfigDriveStore,
  ConfigurationDefaultsStore,
  GuestReportStore,
  InstanceStore,
  MachineStore,
  UserDataItemStore,
} from '#store';
import type { TemplateRenderer } from '#templates';

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  defaults: ConfigurationDefaultsStore;
  drives: ConfigDriveStore;
  reports: GuestReportStore;
  userDataItems: UserDataItemStore;
}

/** Everything that makes an OS its owner's: what is asked for, the documents and drives it is told by, and whether it is so. */
export interface ConfigurationParts {
  configuring: Configuring;
  documents: InstanceDocuments;
  configDrives: ConfigDrives;
  doctor: Doctor;
  userDataChecks: UserDataChecks;
}

interface Host {
  config: Config;
  runner: ProcessRunner;
  box: SecretBox;
  renderer: TemplateRenderer;
  downloads: ImageDownloads;
}

export function configurationParts(
  stores: Stores,
  { config, runner, box, renderer, downloads }: Host,
): ConfigurationParts {
  const directory = join(config.dataDir, 'config-drives');
  const writer = new ConfigDriveWriter(directory, runner);
  const ready = new ReadyConfigDrives(directory, runner, writer);
  const checks = new UserDataChecks(config.cloudConfig);
  const parts = {
    defaults: stores.defaults,
    items: stores.userDataItems,
    checks,
    drives: new GivenDrives(downloads, ready),
  };
  const documents = new InstanceDocuments(stores, new Settling(renderer, config, box));
  const { format, force } = config.configDrive;
  return {
    configuring: new Configuring(parts, runner, { forceConfigDrive: force }),
    documents,
    configDrives: new ConfigDrives(stores.drives, documents, { writer, ready }, { box, format }),
    doctor: new Doctor(stores),
    userDataChecks: checks,
  };
}
