import { existsSync } from 'node:fs';
import { DomainError } from '#core';
import { execa, type ResultPromise } from 'execa';
import { type Clock, SystemClock } from './clock.js';
import { debianPackageOf } from './debian-package.js';
import { ProcessRunner, type RunOptions, type RunResult } from './process-runner.js';

export interface ExecaProcessRunnerOptions {
  clock?: Clock;
  /** How long a program may take to end after SIGTERM, before SIGKILL. */
  killGraceMs?: number;
}

const running = new Set<number>();

/** Signals the process and everything it started (it leads its own group). */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the whole group is gone, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function killRunningGroups(): void {
  for (const pid of running) signalGroup(pid, 'SIGKILL');
}

/**
 * Runs programs with execa, each as the leader of a process group of its own, so that one that hangs is ended with
 * everything it started: SIGTERM, then SIGKILL after a grace period. The environment is never logged nor put into an error.
 */
export class ExecaProcessRunner extends ProcessRunner {
  private readonly clock: Clock;
  private readonly killGraceMs: number;

  constructor({ clock = new SystemClock(), killGraceMs = 2000 }: ExecaProcessRunnerOptions = {}) {
    super();
    this.clock = clock;
    this.killGraceMs = killGraceMs;
  }

  async run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
    options.signal?.throwIfAborted();
    const startedAtMs = this.clock.monotonicMs();
    const subprocess = start(file, args, options);
    const watch = this.watch(subprocess, options);
    const result = await subprocess.finally(() => watch.stop());
    options.signal?.throwIfAborted();
    if (subprocess.pid === undefined) throw notStarted(file, options, result.cause);
    return {
      exitCode: result.exitCode ?? null,
      signal: result.signal,
      stdout: result.stdout,
      stderr: result.stderr,
      timedOut: watch.timedOut(),
      durationMs: Math.round(this.clock.monotonicMs() - startedAtMs),
    };
  }

  /** Ends the program at its timeout or when the caller aborts, and forgets it when `stop` is called. */
  private watch(subprocess: Subprocess, { timeoutMs, signal }: RunOptions) {
    const { pid } = subprocess;
    if (pid === undefined) return { stop: () => undefined, timedOut: () => false };
    track(pid);
    let timedOut = false;
    let timer = this.clock.setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
    const end = () => {
      timer.cancel();
      signalGroup(pid, 'SIGTERM');
      timer = this.clock.setTimeout(() => {
        signalGroup(pid, 'SIGKILL');
        // A descendant that left the group may still hold the pipes open; nobody waits for it.
        subprocess.stdout.destroy();
        subprocess.stderr.destroy();
      }, this.killGraceMs);
    };
    signal?.addEventListener('abort', end, { once: true });
    const stop = () => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      if (timedOut || signal?.aborted) signalGroup(pid, 'SIGKILL'); // what outlived its leader
      running.delete(pid);
    };
    return { stop, timedOut: () => timedOut };
  }
}

type Subprocess = ResultPromise<{ reject: false; stdin: 'pipe'; stdout: 'pipe'; stderr: 'pipe' }>;

function start(file: string, args: readonly string[], options: RunOptions): Subprocess {
  const subprocess = execa(file, args, {
    env: { PATH: process.env.PATH, ...options.env },
    extendEnv: false,
    input: options.input ?? '',
    cwd: options.cwd,
    detached: true,
    reject: false,
    stripFinalNewline: false,
  });
  const { onStdout } = options;
  if (onStdout) subprocess.stdout.on('data', (chunk: Buffer) => onStdout(chunk.toString('utf8')));
  return subprocess;
}

function track(pid: number): void {
  if (running.size === 0 && !process.listeners('exit').includes(killRunningGroups)) {
    process.on('exit', killRunningGroups);
  }
  running.add(pid);
}

function notStarted(file: string, { cwd }: RunOptions, cause: unknown): DomainError {
  const context = { file, cwd };
  if (cwd !== undefined && !existsSync(cwd)) {
    return new DomainError('program-not-started', `${file} was to run in ${cwd}, which does not exist`, {
      context,
      cause,
      remedy: `create ${cwd}`,
    });
  }
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT') {
    return new DomainError('program-missing', `${file} was to run, but is not installed on this host`, {
      context,
      cause,
      remedy: `install the Debian package ${debianPackageOf(file)}`,
    });
  }
  return new DomainError('program-not-started', `${file} could not be started: ${code ?? String(cause)}`, {
    context,
    cause,
    remedy: `check that ${file} may be executed and that this host has memory and processes left`,
  });
}
