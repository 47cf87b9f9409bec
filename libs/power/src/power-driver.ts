import type { BootMode, PowerState } from '#core';
import type { Secret } from '#platform';

/** What a BMC says of its machine's power. */
export type ReportedPower = Exclude<PowerState, 'unknown'>;

export type BootDevice = 'network' | 'disk';

/** Where a BMC is and how to log in to it. */
export interface BmcAddress {
  host: string;
  /** UDP, 623 by custom. */
  port: number;
  user: string;
  password: Secret;
  /** 3 is SHA-1 with AES, what every IPMI 2.0 BMC must offer; 17 is SHA-256 with AES. */
  cipherSuite: 3 | 17;
  /** What the session asks for, ADMINISTRATOR unless told; USER is enough for `status` only. */
  privilege?: 'ADMINISTRATOR' | 'OPERATOR' | 'USER';
}

export interface BootDeviceOptions {
  /** For every boot to come, not only the next one. */
  persistent: boolean;
  mode: BootMode;
}

export interface CommandOptions {
  signal?: AbortSignal;
}

/**
 * Speaks to BMCs in one protocol. Each verb is one exchange: no loop, no waiting, no second try; all of that is PowerControl's.
 * A verb resolves when the BMC has taken the order, which is before the machine has obeyed it.
 * Every failure is a DomainError whose code starts with `bmc-`; `context.executed` is false when the order certainly came to nothing.
 */
export abstract class PowerDriver {
  abstract status(bmc: BmcAddress, options?: CommandOptions): Promise<ReportedPower>;
  abstract on(bmc: BmcAddress, options?: CommandOptions): Promise<void>;
  /** Cuts the power. */
  abstract off(bmc: BmcAddress, options?: CommandOptions): Promise<void>;
  /** Asks the operating system to shut down (ACPI). */
  abstract softOff(bmc: BmcAddress, options?: CommandOptions): Promise<void>;
  /** Restarts a machine that is on, without cutting its power. */
  abstract reset(bmc: BmcAddress, options?: CommandOptions): Promise<void>;
  /** Cuts the power and gives it back a moment later. */
  abstract cycle(bmc: BmcAddress, options?: CommandOptions): Promise<void>;
  abstract setBootDevice(
    bmc: BmcAddress,
    device: BootDevice,
    options: BootDeviceOptions & CommandOptions,
  ): Promise<void>;
}

export type PowerVerb = keyof PowerDriver;

/** How a BMC is called in messages and keyed in queues. */
export function bmcName({ host, port }: Pick<BmcAddress, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
