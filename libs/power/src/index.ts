/**
 * Power of physical machines through their BMCs. `PowerDriver` is the port: bare verbs, one exchange each. `PowerControl` is the
 * one policy around every driver: one command at a time per BMC, spaced; a bounded number over all; tries again what may be tried
 * again; reads the state back; tells of every command. Words: BMC, verb, boot device, power state as reported (`on`, `off`).
 * `ConsoleSource` is the port to serial consoles; `SolConsole` speaks serial over LAN, in sessions beside the commands.
 */
export { type ConsoleOptions, ConsoleSource } from './console-source.js';
export { SolConsole, type SolConsoleOptions } from './sol-console.js';
export { IpmitoolDriver, type IpmitoolDriverOptions } from './ipmitool-driver.js';
export type { OnCommand, PowerEvent, PowerRequest } from './command-sender.js';
export { handOn } from './hand-on.js';
export { PowerControl, type PowerControlOptions, type WaitRequest } from './power-control.js';
export {
  type BmcAddress,
  bmcName,
  type BootDevice,
  type BootDeviceOptions,
  type CommandOptions,
  PowerDriver,
  type PowerVerb,
  type ReportedPower,
} from './power-driver.js';
