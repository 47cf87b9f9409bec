import { ProcessRunner } from '#platform';
import { ipmitoolFailure } from './ipmitool-failure.js';
import { IpmitoolSession } from './ipmitool-session.js';
import {
  type BmcAddress,
  type BootDevice,
  type BootDeviceOptions,
  type CommandOptions,
  PowerDriver,
  type ReportedPower,
} from './power-driver.js';

export interface IpmitoolDriverOptions {
  /** A directory that becomes ipmitool's HOME; it is created, and needs no backup. */
  homeDirectory: string;
  /** After this a command that hangs is ended. A silent BMC takes ipmitool 6 s, whatever this is. */
  timeoutMs?: number;
}

interface Command {
  /** For messages: "switch the machine on". */
  wanted: string;
  args: string[];
  /** What ipmitool prints when the BMC agreed. */
  agreed: RegExp;
}

const control = (verb: string, wanted: string, printed: string): Command => ({
  wanted,
  args: ['chassis', 'power', verb],
  agreed: new RegExp(`^Chassis Power Control: ${printed}$`, 'm'),
});

const commands = {
  status: {
    wanted: 'tell the power state',
    args: ['chassis', 'power', 'status'],
    agreed: /^Chassis Power is (on|off)$/m,
  },
  on: control('on', 'switch the machine on', 'Up/On'),
  off: control('off', 'switch the machine off', 'Down/Off'),
  softOff: control('soft', 'shut the machine down by ACPI', 'Soft'),
  reset: control('reset', 'reset the machine', 'Reset'),
  cycle: control('cycle', 'power-cycle the machine', 'Cycle'),
} satisfies Record<string, Command>;

const bootDevices: Record<BootDevice, string> = { network: 'pxe', disk: 'disk' };

/** BMCs over IPMI 2.0 (RMCP+), by Debian's ipmitool. */
export class IpmitoolDriver extends PowerDriver {
  private readonly session: IpmitoolSession;
  private readonly timeoutMs: number;

  constructor(
    private readonly runner: ProcessRunner,
    { homeDirectory, timeoutMs = 10_000 }: IpmitoolDriverOptions,
  ) {
    super();
    this.session = new IpmitoolSession(homeDirectory);
    this.timeoutMs = timeoutMs;
  }

  async status(bmc: BmcAddress, options?: CommandOptions): Promise<ReportedPower> {
    const answer = await this.ask(bmc, commands.status, options);
    return answer[1] as ReportedPower; // the pattern lets nothing else through
  }

  async on(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.ask(bmc, commands.on, options);
  }

  async off(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.ask(bmc, commands.off, options);
  }

  async softOff(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.ask(bmc, commands.softOff, options);
  }

  async reset(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.ask(bmc, commands.reset, options);
  }

  async cycle(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.ask(bmc, commands.cycle, options);
  }

  async setBootDevice(
    bmc: BmcAddress,
    device: BootDevice,
    { persistent, mode, signal }: BootDeviceOptions & CommandOptions,
  ): Promise<void> {
    const flags = [persistent && 'persistent', mode === 'uefi' && 'efiboot'].filter(Boolean).join(',');
    const name = bootDevices[device];
    const command = {
      wanted: `boot from the ${device}`,
      args: ['chassis', 'bootdev', name, ...(flags ? [`options=${flags}`] : [])],
      agreed: new RegExp(`^Set Boot Device to ${name}$`, 'm'),
    };
    await this.ask(bmc, command, { signal });
  }

  /** The exit code is not asked: a boot device that the BMC refuses ends with 0. */
  private async ask(
    bmc: BmcAddress,
    { wanted, args, agreed }: Command,
    { signal }: CommandOptions = {},
  ): Promise<RegExpExecArray> {
    const result = await this.runner.run('ipmitool', [...this.session.args(bmc), ...args], {
      env: await this.session.environment(bmc),
      timeoutMs: this.timeoutMs,
      signal,
    });
    const answer = agreed.exec(result.stdout);
    if (!answer) throw ipmitoolFailure({ bmc, wanted }, result);
    return answer;
  }
}
