import { tmpdir } from 'node:os';
import { AddressPolicy, ImageDownloads } from '#images';
import { ConfigDriveWriter, ReadyConfigDrives, UserDataChecks } from '#metadata';
import { ExecaProcessRunner, loadConfig } from '#platform';
import { Configuring, GivenDrives } from '#provisioning';
import { ConfigurationDefaultsStore, type Database, UserDataItemStore } from '#store';

/** What a spawn is configured by, on this database. */
export function configuringOn(database: Database): Configuring {
  const runner = new ExecaProcessRunner();
  const ready = new ReadyConfigDrives(tmpdir(), runner, new ConfigDriveWriter(tmpdir(), runner));
  const parts = {
    defaults: new ConfigurationDefaultsStore(database),
    items: new UserDataItemStore(database),
    checks: new UserDataChecks(loadConfig({}).cloudConfig),
    drives: new GivenDrives(new ImageDownloads(new AddressPolicy([])), ready),
  };
  return new Configuring(parts, runner, { forceConfigDrive: false });
}
