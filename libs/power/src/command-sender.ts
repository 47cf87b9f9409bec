import { DomainError } from '#core';
import type { Clock } from '#platform';
import pRetry from 'p-retry';
import { BmcQueues } from './bmc-queues.js';
import { CommandLanes, type CommandLanesOptions } from './command-lanes.js';
import {
  type BmcAddress,
  bmcName,
  type CommandOptions,
  type PowerVerb,
  type ReportedPower,
} from './power-driver.js';

/** One command that was sent to a BMC, or tried to. */
export interface PowerEvent {
  bmcHost: string;
  bmcPort: number;
  verb: PowerVerb;
  /** 1 for the first try. */
  attempt: number;
  result: 'ok' | 'failed' | 'aborted';
  /** The answer to `status`. */
  power?: ReportedPower;
  durationMs: number;
  error?: DomainError;
}

/** Called once for every command; must not throw. */
export type OnCommand = (event: PowerEvent) => void;

export interface PowerRequest extends CommandOptions {
  /** Tries after the first, when the failure may pass. */
  retries?: number;
  /** Goes after every command that somebody waits for. */
  background?: boolean;
  /** Hears of the commands of this request, besides the one given to PowerControl. */
  onCommand?: OnCommand;
}

export interface CommandSenderOptions extends CommandLanesOptions {
  onCommand?: OnCommand;
  /** Between the end of a command and the start of the next one to the same BMC. */
  gapMs: number;
  retries: number;
  /** The first wait before a retry; it doubles, with as much again at random, up to `maxBackoffMs`. */
  minBackoffMs: number;
  maxBackoffMs: number;
}

/** One verb to one BMC, the whole way from the driver's function to its answer. */
export interface Command<T> {
  bmc: BmcAddress;
  verb: PowerVerb;
  exchange: (options: CommandOptions) => Promise<T>;
}

/** Verbs that do harm when they are carried out twice: tried again only when they certainly were not. */
const onceOnly: ReadonlySet<PowerVerb> = new Set<PowerVerb>(['reset', 'cycle']);

/** Sends commands: one at a time per BMC, bounded over all of them, again when the failure may pass, and tells of each. */
export class CommandSender {
  private readonly queues: BmcQueues;
  private readonly lanes: CommandLanes;

  constructor(
    private readonly clock: Clock,
    private readonly options: CommandSenderOptions,
  ) {
    this.queues = new BmcQueues(clock, options.gapMs);
    this.lanes = new CommandLanes(clock, options);
  }

  /** Keeps the BMC to itself through all its tries, so that a verb never overtakes the one before it. */
  send<T extends ReportedPower | void>(command: Command<T>, request: PowerRequest): Promise<T> {
    const { signal } = request;
    const isOrder = command.verb !== 'status';
    return this.queues.run(bmcName(command.bmc), () => this.tries(command, request), { signal, isOrder });
  }

  private async tries<T extends ReportedPower | void>(
    command: Command<T>,
    request: PowerRequest,
  ): Promise<T> {
    let underWay: Promise<unknown> = Promise.resolve();
    const tryOnce = (attempt: number) => {
      const answer = this.attempt(command, attempt, request);
      underWay = answer.catch(() => undefined);
      return answer;
    };
    try {
      return await pRetry(tryOnce, {
        retries: request.retries ?? this.options.retries,
        minTimeout: this.options.minBackoffMs,
        maxTimeout: this.options.maxBackoffMs,
        randomize: true,
        shouldRetry: (error) => mayTryAgain(command.verb, error),
        signal: request.signal,
      });
    } finally {
      await underWay; // an aborted command is still being ended; the next one waits for that
    }
  }

  private attempt<T extends ReportedPower | void>(
    command: Command<T>,
    attempt: number,
    request: PowerRequest,
  ): Promise<T> {
    return this.lanes.run(bmcName(command.bmc), () => this.told(command, attempt, request), {
      signal: request.signal,
      priority: priorityOf(command.verb, request),
    });
  }

  private async told<T extends ReportedPower | void>(
    { bmc, verb, exchange }: Command<T>,
    attempt: number,
    { signal, onCommand }: PowerRequest,
  ): Promise<T> {
    const startedMs = this.clock.monotonicMs();
    const tell = (outcome: Pick<PowerEvent, 'result' | 'power' | 'error'>) => {
      const durationMs = Math.round(this.clock.monotonicMs() - startedMs);
      const event = { bmcHost: bmc.host, bmcPort: bmc.port, verb, attempt, durationMs, ...outcome };
      this.options.onCommand?.(event);
      onCommand?.(event);
    };
    try {
      const answer = await exchange({ signal });
      tell({ result: 'ok', ...(answer && { power: answer }) });
      return answer;
    } catch (error) {
      if (error instanceof DomainError) tell({ result: 'failed', error });
      else tell({ result: 'aborted' });
      throw error;
    }
  }
}

/** An order does not wait for a round of looks, nor a look that a work needs for one that only keeps the record fresh. */
function priorityOf(verb: PowerVerb, { background }: PowerRequest): number {
  if (background) return -1;
  return verb === 'status' ? 0 : 1;
}

function mayTryAgain(verb: PowerVerb, error: Error): boolean {
  if (!(error instanceof DomainError) || !error.retryable) return false;
  return !onceOnly.has(verb) || error.context.executed === false;
}
