import { DomainError } from '#core';
import {
  type BmcAddress,
  bmcName,
  type BootDevice,
  type BootDeviceOptions,
  type CommandOptions,
  PowerDriver,
  type PowerVerb,
  type ReportedPower,
} from '#power';

/** A machine behind a BMC, in memory. */
export interface FakeMachine {
  power: ReportedPower;
  /** Whether its operating system shuts down when asked. */
  obeysSoftOff: boolean;
  boot?: { device: BootDevice } & BootDeviceOptions;
}

export interface FakeCommand extends CommandOptions {
  bmc: BmcAddress;
  verb: PowerVerb;
}

interface FakeBmc {
  address: BmcAddress;
  machine: FakeMachine;
}

/** BMCs in memory. Whoever was not added does not answer. */
export class FakePowerDriver extends PowerDriver {
  /** Every command that was sent, in order. */
  readonly commands: { bmc: string; verb: PowerVerb }[] = [];
  private readonly bmcs = new Map<string, FakeBmc>();

  /** `before` runs ahead of every command, and may wait or throw in its stead. */
  constructor(private readonly before: (command: FakeCommand) => void | Promise<void> = () => undefined) {
    super();
  }

  add(address: BmcAddress, machine: Partial<FakeMachine> = {}): FakeMachine {
    const added: FakeMachine = { power: 'off', obeysSoftOff: true, ...machine };
    this.bmcs.set(bmcName(address), { address, machine: added });
    return added;
  }

  /** From now on this BMC does not answer. */
  remove(address: BmcAddress): void {
    this.bmcs.delete(bmcName(address));
  }

  async status(bmc: BmcAddress, options?: CommandOptions): Promise<ReportedPower> {
    return (await this.reach(bmc, 'status', options)).power;
  }

  async on(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    (await this.reach(bmc, 'on', options)).power = 'on';
  }

  async off(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    (await this.reach(bmc, 'off', options)).power = 'off';
  }

  async softOff(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    const machine = await this.reach(bmc, 'softOff', options);
    if (machine.obeysSoftOff) machine.power = 'off';
  }

  async reset(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    await this.reach(bmc, 'reset', options);
  }

  async cycle(bmc: BmcAddress, options?: CommandOptions): Promise<void> {
    (await this.reach(bmc, 'cycle', options)).power = 'on';
  }

  async setBootDevice(
    bmc: BmcAddress,
    device: BootDevice,
    { persistent, mode, signal }: BootDeviceOptions & CommandOptions,
  ): Promise<void> {
    (await this.reach(bmc, 'setBootDevice', { signal })).boot = { device, persistent, mode };
  }

  private async reach(
    bmc: BmcAddress,
    verb: PowerVerb,
    { signal }: CommandOptions = {},
  ): Promise<FakeMachine> {
    signal?.throwIfAborted();
    this.commands.push({ bmc: bmcName(bmc), verb });
    await this.before({ bmc, verb, signal });
    const found = this.bmcs.get(bmcName(bmc));
    if (!found) throw failure('bmc-no-answer', bmc, 'it did not answer');
    const { address, machine } = found;
    if (address.user !== bmc.user || address.password.reveal() !== bmc.password.reveal()) {
      throw failure('bmc-wrong-credentials', bmc, `it does not accept the user ${bmc.user} and the password`);
    }
    return machine;
  }
}

function failure(code: DomainError['code'], bmc: BmcAddress, found: string): DomainError {
  return new DomainError(code, `BMC ${bmcName(bmc)}: ${found}`, {
    context: { bmc: bmcName(bmc), executed: false },
    remedy: 'check the BMC address, user and password of the machine',
  });
}
