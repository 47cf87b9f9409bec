import { DomainError } from '#core';
import { execa, type ResultPromise } from 'execa';
import type { Clock, ClockTimer } from './clock.js';

export interface ProcessEnd {
  exitCode: number | null;
  signal: string | null;
  /** Of the output, newest last. */
  lastLines: string[];
  restartInMs: number;
}

export interface SupervisedProcessOptions {
  file: string;
  args: readonly string[];
  /** What to install when the program is missing. */
  debianPackage: string;
  clock: Clock;
  /** True for the line of output after which the program does its work. */
  isReady: (line: string) => boolean;
  onLine?: (line: string) => void;
  /** For a program that opens /dev/stdout, which a socket cannot be opened as; Node connects programs by sockets. */
  throughPipe?: boolean;
  /** The program ended without being asked to, and will be started again. */
  onEnd?: (end: ProcessEnd) => void;
  readyTimeoutMs?: number;
  /** Doubled with every end, up to the maximum; back to the first after a run that was longer than the maximum. */
  firstRestartMs?: number;
  maxRestartMs?: number;
  /** Between SIGTERM and SIGKILL. */
  stopGraceMs?: number;
}

const defaults = {
  throughPipe: false,
  readyTimeoutMs: 10_000,
  firstRestartMs: 500,
  maxRestartMs: 30_000,
  stopGraceMs: 3000,
};
const KEPT_LINES = 20;
/** What a shell, and setpriv, exit with when there is no such program. */
const EXIT_NOT_FOUND = 127;
const intoPipe = ['bash', '-c', 'exec "$0" "$@" > >(exec cat)'];

type Subprocess = ResultPromise<{ reject: false; buffer: false; all: true }>;

interface Run {
  subprocess: Subprocess;
  lastLines: string[];
  ready: Promise<void>;
  ended: Promise<Omit<ProcessEnd, 'restartInMs'>>;
}

/**
 * A program that runs as long as dodai does: started again with growing pauses when it dies, ended when it is stopped, and
 * killed by the kernel when dodai itself is killed, so that none is ever left behind holding a port.
 */
export class SupervisedProcess {
  private readonly options: Required<Omit<SupervisedProcessOptions, 'onLine' | 'onEnd'>> &
    Pick<SupervisedProcessOptions, 'onLine' | 'onEnd'>;
  private run: Run | null = null;
  private restart: ClockTimer | null = null;
  private restartMs: number;
  private wanted = false;
  private wasReady = false;

  constructor(options: SupervisedProcessOptions) {
    this.options = { ...defaults, ...options };
    this.restartMs = this.options.firstRestartMs;
  }

  /** Resolves when the program is ready. Throws `program-missing` or `program-not-started`, and then does not try again. */
  async start(): Promise<void> {
    this.wanted = true;
    this.wasReady = false;
    const run = this.launch();
    try {
      await this.readyInTime(run);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The process id while it runs. */
  get pid(): number | null {
    return this.run?.subprocess.pid ?? null;
  }

  /** Does nothing between a death and the start that follows it. */
  signal(signal: NodeJS.Signals): void {
    this.run?.subprocess.kill(signal);
  }

  async stop(): Promise<void> {
    this.wanted = false;
    this.restart?.cancel();
    this.restart = null;
    const { run } = this;
    if (run === null) return;
    run.subprocess.kill('SIGTERM');
    await run.ended;
  }

  private launch(): Run {
    const { file, args, throughPipe, stopGraceMs, clock } = this.options;
    const startedMs = clock.monotonicMs();
    const command = [...(throughPipe ? intoPipe : []), file, ...args];
    const subprocess = execa('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      env: { PATH: process.env.PATH },
      extendEnv: false,
      stdin: 'ignore',
      all: true,
      buffer: false,
      reject: false,
      forceKillAfterDelay: stopGraceMs,
    }) as Subprocess;
    const lastLines: string[] = [];
    let reading = Promise.resolve();
    const ready = new Promise<void>((becomeReady) => {
      reading = this.readLines(subprocess, lastLines, becomeReady);
    });
    const ended = Promise.all([subprocess, reading]).then(([{ exitCode, signal }]) => {
      this.run = null;
      const end = { exitCode: exitCode ?? null, signal: signal ?? null, lastLines };
      if (this.wanted && this.wasReady) this.startAgain(end, clock.monotonicMs() - startedMs);
      return end;
    });
    this.run = { subprocess, lastLines, ready, ended };
    return this.run;
  }

  private async readLines(
    subprocess: Subprocess,
    lastLines: string[],
    becomeReady: () => void,
  ): Promise<void> {
    const { onLine, isReady } = this.options;
    for await (const line of subprocess.iterable({ from: 'all' })) {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      onLine?.(line);
      if (!isReady(line)) continue;
      this.wasReady = true;
      becomeReady();
    }
  }

  private startAgain(end: Omit<ProcessEnd, 'restartInMs'>, ranMs: number): void {
    const { firstRestartMs, maxRestartMs, clock, onEnd } = this.options;
    if (ranMs > maxRestartMs) this.restartMs = firstRestartMs;
    const restartInMs = this.restartMs;
    this.restartMs = Math.min(maxRestartMs, this.restartMs * 2);
    this.restart = clock.setTimeout(() => this.launch(), restartInMs);
    onEnd?.({ ...end, restartInMs });
  }

  private async readyInTime({ ready, ended, lastLines }: Run): Promise<void> {
    const { clock, readyTimeoutMs } = this.options;
    const abort = new AbortController();
    const outcome = await Promise.race([
      ready.then(() => 'ready' as const),
      ended,
      clock.sleep(readyTimeoutMs, abort.signal).then(
        () => 'late' as const,
        () => 'ready' as const,
      ),
    ]).finally(() => abort.abort());
    if (outcome === 'ready') return;
    throw outcome === 'late' ? this.notReady(lastLines) : this.notStarted(outcome);
  }

  private notReady(lastLines: string[]): DomainError {
    const { file, readyTimeoutMs } = this.options;
    return new DomainError('program-not-started', `${file} was not ready after ${readyTimeoutMs} ms`, {
      context: { file, lastLines },
      remedy: `look at what it said last: ${lastLines.at(-1) ?? 'nothing'}`,
    });
  }

  private notStarted({ exitCode, signal, lastLines }: Omit<ProcessEnd, 'restartInMs'>): DomainError {
    const { file, debianPackage } = this.options;
    const context = { file, exitCode, signal, lastLines };
    if (exitCode === EXIT_NOT_FOUND) {
      return new DomainError('program-missing', `${file} was to run, but is not installed on this host`, {
        context,
        remedy: `install the Debian package ${debianPackage}`,
      });
    }
    const how = signal === null ? `exit code ${exitCode}` : signal;
    const said = lastLines.at(-1) ?? 'nothing';
    return new DomainError('program-not-started', `${file} ended at once with ${how}, saying: ${said}`, {
      context,
      remedy: 'correct what it complains about, then start again',
    });
  }
}
