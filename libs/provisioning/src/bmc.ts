import type { Machine } from '#core';
import type { BmcAddress, PowerControl, PowerEvent, PowerRequest, ReportedPower } from '#power';
import type { EventStore, LifecycleWriter, MachineStore } from '#store';

/** The BMC of one machine: every command it is sent becomes an event, every state it reports is recorded. */
export class Bmc {
  constructor(
    private readonly power: PowerControl,
    private readonly machines: MachineStore,
    private readonly events: EventStore,
    private readonly writer: LifecycleWriter,
  ) {}

  async status(machine: Machine, signal?: AbortSignal): Promise<ReportedPower> {
    return this.using(machine, signal, (bmc, request) => this.power.status(bmc, request));
  }

  /**
   * The power state for the record, asked once and after everything that somebody waits for. Neither an event nor the
   * record is written: whoever looks decides whether what was found still holds.
   */
  async look(machine: Machine, signal: AbortSignal): Promise<ReportedPower> {
    return this.power.status(await this.address(machine), { signal, retries: 0, background: true });
  }

  /** Brings the power to `wanted` and sees it there. */
  async ensure(
    machine: Machine,
    wanted: ReportedPower,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.using(machine, signal, async (bmc, request) => {
      await this.power.ensure(bmc, wanted, { ...request, timeoutMs });
    });
  }

  /** Soft-off, then hard when the OS does not obey in time. */
  async shutDown(machine: Machine, softTimeoutMs: number, timeoutMs: number, signal?: AbortSignal) {
    return this.using(machine, signal, (bmc, request) =>
      this.power.shutDown(bmc, { ...request, softTimeoutMs, timeoutMs }),
    );
  }

  /** A bare verb, as a person asks for it, and what the BMC says of the power then. */
  async order(machine: Machine, verb: 'on' | 'off' | 'softOff' | 'reset' | 'cycle'): Promise<void> {
    const obey = async (bmc: BmcAddress, request: PowerRequest) => {
      await this.power[verb](bmc, request);
      await this.power.status(bmc, request);
    };
    await this.using(machine, undefined, obey, true);
  }

  private async using<T>(
    machine: Machine,
    signal: AbortSignal | undefined,
    act: (bmc: BmcAddress, request: PowerRequest) => Promise<T>,
    isOrdered = false,
  ): Promise<T> {
    let recorded: Promise<void> = Promise.resolve(); // one after another: the last word is the state
    const onCommand = (event: PowerEvent) => {
      recorded = recorded.then(() => this.record(machine, event, isOrdered));
      recorded.catch(() => undefined); // it is thrown below, when the command has ended
    };
    try {
      return await act(await this.address(machine), { signal, onCommand });
    } finally {
      await recorded;
    }
  }

  async address(machine: Machine): Promise<BmcAddress> {
    return {
      host: machine.bmcHost,
      port: machine.bmcPort,
      user: machine.bmcUser,
      password: await this.machines.bmcPassword(machine.id),
      cipherSuite: machine.bmcCipherSuite === 17 ? 17 : 3,
    };
  }

  /** Reading the state is only worth an event when it failed or told something new. */
  private async record(machine: Machine, event: PowerEvent, isOrdered: boolean): Promise<void> {
    const { verb, attempt, result, power, durationMs, error } = event;
    if (power) await this.writer.recordPower(machine.id, power, isOrdered);
    if (verb === 'status' && result === 'ok' && power === machine.power) return;
    const said = power ?? error?.message ?? result;
    await this.events.append({
      kind: 'bmc.command',
      machineId: machine.id,
      instanceId: machine.instanceId,
      message: `BMC ${verb}: ${said}`,
      data: { verb, attempt, result, power, durationMs: Math.round(durationMs), code: error?.code },
    });
  }
}
