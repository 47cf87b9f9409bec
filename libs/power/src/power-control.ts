import { availableParallelism } from 'node:os';
import { DomainError } from '#core';
import type { Clock } from '#platform';
import { CommandSender, type CommandSenderOptions, type PowerRequest } from './command-sender.js';
import {
  type BmcAddress,
  bmcName,
  type BootDevice,
  type BootDeviceOptions,
  type PowerDriver,
  type ReportedPower,
} from './power-driver.js';

export interface WaitRequest extends PowerRequest {
  timeoutMs: number;
}

export interface PowerControlOptions extends Partial<CommandSenderOptions> {
  /** Between two looks at the state while it is awaited. */
  readBackMs?: number;
}

/** The one policy around every driver. */
export class PowerControl {
  private readonly commands: CommandSender;
  private readonly readBackMs: number;

  constructor(
    private readonly driver: PowerDriver,
    private readonly clock: Clock,
    { readBackMs = 2000, ...options }: PowerControlOptions = {},
  ) {
    this.readBackMs = readBackMs;
    this.commands = new CommandSender(clock, {
      concurrency: availableParallelism(), // starting ipmitool is what costs
      silentConcurrency: 16,
      handOnAfterMs: 200,
      gapMs: 250,
      retries: 3,
      minBackoffMs: 1000,
      maxBackoffMs: 15_000,
      ...options,
    });
  }

  status(bmc: BmcAddress, request: PowerRequest = {}): Promise<ReportedPower> {
    return this.commands.send(
      { bmc, verb: 'status', exchange: (options) => this.driver.status(bmc, options) },
      request,
    );
  }

  on(bmc: BmcAddress, request: PowerRequest = {}): Promise<void> {
    return this.commands.send(
      { bmc, verb: 'on', exchange: (options) => this.driver.on(bmc, options) },
      request,
    );
  }

  off(bmc: BmcAddress, request: PowerRequest = {}): Promise<void> {
    return this.commands.send(
      { bmc, verb: 'off', exchange: (options) => this.driver.off(bmc, options) },
      request,
    );
  }

  softOff(bmc: BmcAddress, request: PowerRequest = {}): Promise<void> {
    return this.commands.send(
      { bmc, verb: 'softOff', exchange: (options) => this.driver.softOff(bmc, options) },
      request,
    );
  }

  reset(bmc: BmcAddress, request: PowerRequest = {}): Promise<void> {
    return this.commands.send(
      { bmc, verb: 'reset', exchange: (options) => this.driver.reset(bmc, options) },
      request,
    );
  }

  cycle(bmc: BmcAddress, request: PowerRequest = {}): Promise<void> {
    return this.commands.send(
      { bmc, verb: 'cycle', exchange: (options) => this.driver.cycle(bmc, options) },
      request,
    );
  }

  setBootDevice(
    bmc: BmcAddress,
    device: BootDevice,
    boot: BootDeviceOptions,
    request: PowerRequest = {},
  ): Promise<void> {
    return this.commands.send(
      {
        bmc,
        verb: 'setBootDevice',
        exchange: (options) => this.driver.setBootDevice(bmc, device, { ...boot, ...options }),
      },
      request,
    );
  }

  /**
   * Brings the power to `wanted` and sees it there. `changed` is false when it was so already and nothing was sent.
   * Throws `bmc-state-not-reached` when the BMC took the order and the state does not follow within `timeoutMs`.
   */
  async ensure(bmc: BmcAddress, wanted: ReportedPower, request: WaitRequest): Promise<{ changed: boolean }> {
    if ((await this.status(bmc, request)) === wanted) return { changed: false };
    await this[wanted](bmc, request);
    await this.waitFor(bmc, wanted, request);
    return { changed: true };
  }

  /**
   * Has the operating system shut down, and cuts the power when it has not within `softTimeoutMs`, or when the BMC cannot ask it.
   * Resolves when the BMC says that the machine is off, with how that came about.
   */
  async shutDown(
    bmc: BmcAddress,
    { softTimeoutMs, ...request }: WaitRequest & { softTimeoutMs: number },
  ): Promise<'was-off' | 'soft' | 'hard'> {
    if ((await this.status(bmc, request)) === 'off') return 'was-off';
    try {
      await this.softOff(bmc, request);
      await this.waitFor(bmc, 'off', { ...request, timeoutMs: softTimeoutMs });
      return 'soft';
    } catch (error) {
      if (!hasCode(error, 'bmc-state-not-reached', 'bmc-refused')) throw error;
    }
    await this.ensure(bmc, 'off', request);
    return 'hard';
  }

  /** Reads the state back until it is `wanted`. A BMC that fails to answer meanwhile is asked again until the time is up. */
  async waitFor(
    bmc: BmcAddress,
    wanted: ReportedPower,
    { timeoutMs, ...request }: WaitRequest,
  ): Promise<void> {
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    for (;;) {
      const seen = await this.look(bmc, request);
      if (seen === wanted) return;
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (leftMs <= 0) throw stateNotReached(bmc, wanted, timeoutMs, seen);
      await this.clock.sleep(Math.min(leftMs, this.readBackMs), request.signal);
    }
  }

  private async look(bmc: BmcAddress, request: PowerRequest): Promise<ReportedPower | DomainError> {
    try {
      return await this.status(bmc, { ...request, retries: 0 });
    } catch (error) {
      if (error instanceof DomainError && error.retryable) return error;
      throw error;
    }
  }
}

function hasCode(error: unknown, ...codes: DomainError['code'][]): boolean {
  return error instanceof DomainError && codes.includes(error.code);
}

function stateNotReached(
  bmc: BmcAddress,
  wanted: ReportedPower,
  timeoutMs: number,
  seen: ReportedPower | DomainError,
): DomainError {
  const name = bmcName(bmc);
  const found =
    seen instanceof DomainError ? `the last look at it failed: ${seen.message}` : `it says ${seen}`;
  return new DomainError(
    'bmc-state-not-reached',
    `BMC ${name}: power was to be ${wanted}; after ${timeoutMs} ms ${found}`,
    {
      context: { bmc: name, wanted },
      cause: seen instanceof DomainError ? seen : undefined,
      remedy: 'look at the machine in the console of its BMC; then ask again',
    },
  );
}
