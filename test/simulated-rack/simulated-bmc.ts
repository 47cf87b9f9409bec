import { DomainError } from '#core';
import { type BmcAddress, bmcName, type BootDevice, type PowerVerb, type ReportedPower } from '#power';
import type { BmcFault } from './behaviour.js';
import { FaultList } from './fault-list.js';
import type { SimulatedMachine } from './simulated-machine.js';

/** A verb of PowerDriver, as data. */
export interface BmcCommand {
  verb: PowerVerb;
  device?: BootDevice;
  persistent?: boolean;
}

const remedy = 'This machine is simulated: see which faults its BMC was given.';

/** The BMC of a simulated machine. */
export class SimulatedBmc {
  readonly faults = new FaultList<BmcFault>(() => Infinity);
  /** How long each answer takes. */
  latencyMs = 0;

  constructor(
    readonly address: BmcAddress,
    readonly machine: SimulatedMachine,
  ) {}

  /** Throws a DomainError as a real driver would. */
  async exchange(
    asked: BmcAddress,
    command: BmcCommand,
    signal?: AbortSignal,
  ): Promise<ReportedPower | undefined> {
    const { world } = this.machine;
    await this.wait(this.latencyMs, signal);
    if (this.strikes('dead', command)) return this.silence(signal);
    const slow = this.strikes('slow', command);
    const isTooSlow = slow !== undefined && slow.ms >= world.bmcTimeoutMs;
    await this.wait(slow ? Math.min(slow.ms, world.bmcTimeoutMs) : 0, signal);
    this.checkCredentials(asked, command);
    const power = await this.obey(command, signal);
    if (isTooSlow) throw this.failure('bmc-no-answer', 'it gave no whole answer in time', 'unknown');
    return power;
  }

  private async obey(command: BmcCommand, signal?: AbortSignal): Promise<ReportedPower | undefined> {
    const { machine } = this;
    const { onPowerCommand } = machine.world.hooks;
    const { verb } = command;
    if (this.strikes('refuses', command)) throw this.failure('bmc-refused', `it refused ${verb}`);
    if (this.strikes('answers-garbage', command))
      throw this.failure('bmc-answer-unknown', 'its answer was not understood', 'unknown');
    if ((await onPowerCommand?.({ machine, verb, when: 'before' })) === 'drop') return this.silence(signal);
    if (!this.strikes('does-nothing', command)) this.carryOut(command);
    await onPowerCommand?.({ machine, verb, when: 'after' });
    return verb === 'status' ? machine.truth.power : undefined;
  }

  private carryOut({ verb, device = 'network', persistent = false }: BmcCommand): void {
    const { machine } = this;
    const acts: Record<PowerVerb, () => void> = {
      status: () => undefined,
      on: () => machine.powerOn(),
      off: () => machine.powerOff(),
      softOff: () => machine.softOff(),
      reset: () => machine.reset(),
      cycle: () => machine.cycle(),
      setBootDevice: () => (machine.bootDevice = { device, persistent }),
    };
    if (verb !== 'status') machine.note(`BMC: ${verb}`);
    acts[verb]();
  }

  private checkCredentials(asked: BmcAddress, command: BmcCommand): void {
    const { user, password } = this.address;
    if (asked.user !== user)
      throw this.failure('bmc-wrong-credentials', `it does not know the user ${asked.user}`);
    if (this.strikes('wrong-password', command) || asked.password.reveal() !== password.reveal())
      throw this.failure('bmc-wrong-credentials', `it does not accept the password of the user ${user}`);
  }

  private strikes<Kind extends BmcFault['kind']>(kind: Kind, { verb }: BmcCommand) {
    return this.faults.take(kind, ({ verbs }) => verbs?.includes(verb) ?? true);
  }

  private async silence(signal?: AbortSignal): Promise<never> {
    await this.wait(this.machine.world.bmcTimeoutMs, signal);
    throw this.failure('bmc-no-answer', 'it did not answer');
  }

  private async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (ms > 0) await this.machine.world.clock.sleep(ms, signal);
  }

  private failure(code: DomainError['code'], found: string, executed: false | 'unknown' = false) {
    return bmcFailure(this.address, code, found, executed);
  }
}

export function bmcFailure(
  bmc: Pick<BmcAddress, 'host' | 'port'>,
  code: DomainError['code'],
  found: string,
  executed: false | 'unknown' = false,
): DomainError {
  const name = bmcName(bmc);
  return new DomainError(code, `BMC ${name}: ${found}`, { remedy, context: { bmc: name, executed } });
}
