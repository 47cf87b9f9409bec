/**
 * The database: PostgreSQL through Prisma. Nothing else imports the generated client; rows become domain types here.
 * A *store* describes or lists things, the *writer* alone moves machines and instances through their life cycle.
 */
export { ConfigDriveStore } from './config-drive-store.js';
export {
  type ConfigurationDefaults,
  ConfigurationDefaultsStore,
  type DefaultsPlace,
} from './configuration-defaults-store.js';
export { type ConsoleScope, ConsoleStore } from './console-store.js';
export { Database } from './database.js';
export { EventFeed } from './event-feed.js';
export { EventStore, type EventFilter, type NewEvent } from './event-store.js';
export { GuestReportStore } from './guest-report-store.js';
export { ImageCacheStore } from './image-cache-store.js';
export { ImageStore } from './image-store.js';
export { InstanceStore } from './instance-store.js';
export { InstanceTypeStore, type NewInstanceType } from './instance-type-store.js';
export { LifecycleWriter } from './lifecycle-writer.js';
export { LookSchedule, type Lane } from './look-schedule.js';
export { type MachineLock, MachineLocks } from './machine-locks.js';
export { type MachineFilter, type MachinePatch, MachineStore, type NewMachine } from './machine-store.js';
export { applyMigrations, schemaDifference } from './migrations.js';
export { type Occupant, Occupants } from './occupants.js';
export type { Page } from './page.js';
export {
  type Adoption,
  type Configured,
  type Idempotency,
  type Reservation,
  Reservations,
  type Reserved,
} from './reservations.js';
export type { Assessment, Way } from './selection.js';
export { Pruner, type Pruned } from './pruner.js';
export { TokenStore } from './token-store.js';
export type { Change } from './transitions.js';
export { databaseUnavailable } from './unavailable.js';
export { type NewUserDataItem, UserDataItemStore } from './user-data-item-store.js';
