import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ImageCache, ImageDownloads, ImageLibrary, ImageTrees, SumsSignatures } from '#images';
import { Clock, WakeQueue } from '#platform';
import { UserDataChecks } from '#metadata';
import {
  Callbacks,
  ConfigDrives,
  Configuring,
  DiskWrites,
  Doctor,
  HandOver,
  InstallMethods,
  InstanceDocuments,
  Netbooting,
  OperatorCalls,
  PowerSync,
  Rendering,
  Spawning,
  Verbs,
  Why,
} from '#provisioning';
import {
  ConfigDriveStore,
  ConfigurationDefaultsStore,
  ConsoleStore,
  Database,
  EventFeed,
  EventStore,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  MachineStore,
  TokenStore,
  UserDataItemStore,
} from '#store';
import { Shutdown } from './http/shutdown.js';
import { Readiness } from './observe/readiness.js';
import type { Parts } from './parts.js';

/** Where the log and the configuration are injected from: both are interfaces and have no class to be found by. */
export const LOG = Symbol('log');
export const CONFIG = Symbol('config');

/** The libraries' objects for Nest's injection; each is found by its own class. */
@Global()
@Module({})
export class PartsModule {
  static of(parts: Parts): DynamicModule {
    const { stores } = parts;
    const values = [
      [LOG, parts.log],
      [CONFIG, parts.config],
      [Clock, parts.clock],
      [Shutdown, parts.shutdown],
      [Readiness, parts.readiness],
      [Database, parts.database],
      [WakeQueue, parts.queue],
      [EventFeed, parts.feed],
      [ImageLibrary, parts.library],
      [ImageCache, parts.imageCache],
      [ImageTrees, parts.trees],
      [ImageDownloads, parts.downloads],
      [SumsSignatures, parts.signatures],
      [Configuring, parts.configuring],
      [InstanceDocuments, parts.documents],
      [ConfigDrives, parts.configDrives],
      [DiskWrites, parts.diskWrites],
      [Doctor, parts.doctor],
      [Spawning, parts.spawning],
      [Rendering, parts.rendering],
      [Verbs, parts.verbs],
      [Callbacks, parts.callbacks],
      [UserDataChecks, parts.userDataChecks],
      [InstallMethods, parts.methods],
      [Netbooting, parts.netbooting],
      [OperatorCalls, parts.calls],
      [HandOver, parts.handOver],
      [PowerSync, parts.powerSync],
      [Why, parts.why],
      [MachineStore, stores.machines],
      [InstanceStore, stores.instances],
      [ImageStore, stores.images],
      [InstanceTypeStore, stores.types],
      [EventStore, stores.events],
      [ConsoleStore, stores.consoles],
      [TokenStore, stores.tokens],
      [ConfigurationDefaultsStore, stores.defaults],
      [ConfigDriveStore, stores.drives],
      [UserDataItemStore, stores.userDataItems],
    ] as const;
    const providers = values.map(([provide, useValue]) => ({ provide, useValue }));
    return { module: PartsModule, providers, exports: values.map(([token]) => token) };
  }
}
