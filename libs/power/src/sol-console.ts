import { DomainError } from '#core';
import type { Clock, ClockTimer, ProcessRunner, StreamingProcess, StreamingProcesses } from '#platform';
import { type ConsoleOptions, ConsoleSource } from './console-source.js';
import { ConsoleText } from './console-text.js';
import { ipmitoolFailure } from './ipmitool-failure.js';
import { IpmitoolSession } from './ipmitool-session.js';
import type { BmcAddress } from './power-driver.js';

export interface SolConsoleOptions {
  /** A directory that becomes ipmitool's HOME; it is created, and needs no backup. */
  homeDirectory: string;
  /** How long an ipmitool that was told to end may take to log out of the BMC. */
  hangUpMs?: number;
  clock: Clock;
}

const wanted = 'show the serial console';
/** What ipmitool prints when the session stands; what follows the end of this line is the console's. */
const banner = Buffer.from('[SOL Session operational.');
/** Into a pipe ipmitool would tell of the session only when the machine first says something. */
const unbuffered = ['--output=L'];
/** What stdbuf ends with when there is no such program. */
const exitNotFound = 127;
const deactivateTimeoutMs = 10_000;

/**
 * Serial over LAN (IPMI 2.0, 15.11), by `ipmitool sol activate`. Without a terminal it complains on standard error and works. It
 * asks the BMC for its device id every 15 s; three in vain end the session, some 40 s after a BMC has gone. When its standard
 * input ends it logs out and ends, and that is also what becomes of it when dodai is killed: a session that is merely cut off
 * holds the console until the BMC forgets it.
 */
export class SolConsole extends ConsoleSource {
  private readonly session: IpmitoolSession;
  private readonly clock: Clock;
  private readonly hangUpMs: number;

  constructor(
    private readonly processes: StreamingProcesses,
    private readonly runner: ProcessRunner,
    { homeDirectory, hangUpMs = 3000, clock }: SolConsoleOptions,
  ) {
    super();
    this.session = new IpmitoolSession(homeDirectory);
    this.clock = clock;
    this.hangUpMs = hangUpMs;
  }

  async open(bmc: BmcAddress, { signal, takeOver = false }: ConsoleOptions): Promise<AsyncIterable<string>> {
    try {
      return await this.activate(bmc, signal);
    } catch (error) {
      if (!takeOver || !(error instanceof DomainError) || error.code !== 'console-taken') throw error;
      await this.deactivate(bmc, signal);
      return this.activate(bmc, signal);
    }
  }

  private async activate(bmc: BmcAddress, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const env = await this.session.environment(bmc);
    signal.throwIfAborted();
    const text = this.read(bmc, env, signal);
    const { done } = await text.next(); // nothing yet but that it is open
    if (done) signal.throwIfAborted();
    return text;
  }

  /** Yields an empty text as soon as the session stands. */
  private async *read(bmc: BmcAddress, env: Record<string, string>, signal: AbortSignal) {
    const kill = new AbortController();
    const args = [...unbuffered, 'ipmitool', ...this.session.args(bmc), 'sol', 'activate'];
    const ipmitool = this.processes.start('stdbuf', args, kill.signal, { env });
    let timer: ClockTimer | undefined;
    const hangUp = () => {
      ipmitool.stdin.end();
      timer ??= this.clock.setTimeout(() => kill.abort(), this.hangUpMs);
    };
    ipmitool.stdin.on('error', () => undefined); // it has ended already
    signal.addEventListener('abort', hangUp, { once: true });
    try {
      yield* textOf(ipmitool);
      const { stderr, exitCode } = await ipmitool.ended;
      if (exitCode === exitNotFound) throw programMissing();
      if (!signal.aborted) throw ipmitoolFailure({ bmc, wanted }, { stderr });
    } finally {
      signal.removeEventListener('abort', hangUp);
      hangUp();
      ipmitool.stdout.resume(); // nobody reads any more, and what it still says must go somewhere
      await ipmitool.ended.finally(() => timer?.cancel());
    }
  }

  /** A session that is gone by now is as good as one that was ended. */
  private async deactivate(bmc: BmcAddress, signal: AbortSignal): Promise<void> {
    await this.runner.run('ipmitool', [...this.session.args(bmc), 'sol', 'deactivate'], {
      env: await this.session.environment(bmc),
      timeoutMs: deactivateTimeoutMs,
      signal,
    });
  }
}

async function* textOf({ stdout }: StreamingProcess): AsyncGenerator<string> {
  const text = new ConsoleText();
  let before: Buffer | null = Buffer.alloc(0);
  for await (const chunk of stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (before === null) {
      yield text.push(chunk);
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const start = before.indexOf(banner);
    const end = start < 0 ? -1 : before.indexOf('\n', start);
    if (end < 0) continue;
    yield '';
    yield text.push(before.subarray(end + 1));
    before = null;
  }
}

function programMissing(): DomainError {
  return new DomainError('program-missing', 'ipmitool was to run, but is not installed on this host', {
    remedy: 'install the Debian package ipmitool',
  });
}
