export { Clock, type ClockTimer, SystemClock } from './clock.js';
export { ExecaProcessRunner } from './execa-process-runner.js';
export { ProcessRunner, type RunOptions, type RunResult } from './process-runner.js';
export { Secret } from './secret.js';
export type {
  Config,
  Deadlines,
  ImageLimits,
  MetadataSettings,
  PowerSyncPolicy,
  Retention,
  RetryPolicy,
  WebhookSettings,
} from './config.js';
export { loadConfig } from './load-config.js';
export { configSchema, type ImagePreallocation, type Role, roles } from './settings.js';
export { DataDirectory } from './data-directory.js';
export { debianPackageOf } from './debian-package.js';
export { EmbeddedPostgres } from './embedded-postgres.js';
export { freePort } from './free-port.js';
export { jitter } from './jitter.js';
export { createLogger, type Logger } from './logger.js';
export { type HostAddress, Networks } from './networks.js';
export { projectRoot } from './project-root.js';
export { Rounds } from './rounds.js';
export { SecretBox } from './secret-box.js';
export {
  type StreamingEnd,
  type StreamingOptions,
  type StreamingProcess,
  StreamingProcesses,
} from './streaming-process.js';
export { type ProcessEnd, SupervisedProcess, type SupervisedProcessOptions } from './supervised-process.js';
export { type QueueBackend, WakeQueue } from './wake-queue.js';
