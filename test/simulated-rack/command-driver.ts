import {
  type BmcAddress,
  type BootDevice,
  type BootDeviceOptions,
  type CommandOptions,
  PowerDriver,
  type ReportedPower,
} from '#power';
import type { BmcCommand } from './simulated-bmc.js';

/** A driver whose verbs are commands as data, to be carried to a simulated BMC. */
export abstract class CommandDriver extends PowerDriver {
  protected abstract exchange(
    bmc: BmcAddress,
    command: BmcCommand,
    options?: CommandOptions,
  ): Promise<ReportedPower | undefined>;

  async status(bmc: BmcAddress, options?: CommandOptions): Promise<ReportedPower> {
    return (await this.exchange(bmc, { verb: 'status' }, options)) ?? 'off';
  }

  async on(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.exchange(bmc, { verb: 'on' }, options);
  }

  async off(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.exchange(bmc, { verb: 'off' }, options);
  }

  async softOff(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.exchange(bmc, { verb: 'softOff' }, options);
  }

  async reset(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.exchange(bmc, { verb: 'reset' }, options);
  }

  async cycle(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.exchange(bmc, { verb: 'cycle' }, options);
  }

  async setBootDevice(
    bmc: BmcAddress,
    device: BootDevice,
    { persistent, signal }: BootDeviceOptions & CommandOptions,
  ): Promise<void> {
    await this.exchange(bmc, { verb: 'setBootDevice', device, persistent }, { signal });
  }
}
