import type { BmcAddress, CommandOptions, ReportedPower } from '#power';
import { CommandDriver } from './command-driver.js';
import type { BmcCommand } from './simulated-bmc.js';
import type { SimulatedRack } from './simulated-rack.js';

/** The power of a simulated rack in the same process. */
export class SimulatedPowerDriver extends CommandDriver {
  constructor(private readonly rack: SimulatedRack) {
    super();
  }

  protected exchange(
    bmc: BmcAddress,
    command: BmcCommand,
    { signal }: CommandOptions = {},
  ): Promise<ReportedPower | undefined> {
    return this.rack.command(bmc, command, signal);
  }
}
