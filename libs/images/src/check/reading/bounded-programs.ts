import { finished } from 'node:stream/promises';
import { DomainError } from '#core';
import { type Clock, debianPackageOf, type StreamingProcess, type StreamingProcesses } from '#platform';

/** What one look into an image may cost altogether, and each program that is run for it. */
const limits = {
  programs: 600,
  allMs: 180_000,
  eachMs: 30_000,
  eachCpuSeconds: 20,
  eachMemoryBytes: 1024 ** 3,
} as const;

interface ProgramOutput {
  /** No more than was asked for. */
  bytes: Buffer;
  /** There was more. */
  isCut: boolean;
}

/**
 * Runs the programs that read what somebody else has made: each with little time and memory and nowhere to write, and
 * all of them together no longer than a few minutes. Good for one image.
 */
export class BoundedPrograms {
  private started = 0;
  private readonly beganAtMs: number;

  constructor(
    private readonly processes: StreamingProcesses,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {
    this.beganAtMs = clock.monotonicMs();
  }

  /**
   * The first bytes of what a program prints; undefined: it failed, or was ended for what it took.
   * Throws DomainError `program-missing`, or `image-invalid` when it or all of them take too long.
   */
  async read(program: string, args: readonly string[], maxBytes: number): Promise<ProgramOutput | undefined> {
    const stop = new AbortController();
    const timer = this.clock.setTimeout(() => stop.abort(), this.nextMs());
    try {
      const signal = AbortSignal.any([this.signal, stop.signal]);
      const running = this.processes.start('prlimit', [...prlimit, program, ...args], signal, {
        env: { LC_ALL: 'C' },
      });
      running.stdin.on('error', () => undefined).end();
      const output = await firstBytes(running, maxBytes);
      if (output.isCut) stop.abort();
      const { exitCode } = await running.ended;
      this.signal.throwIfAborted();
      if (output.isCut) return output;
      if (stop.signal.aborted) throw tooLong(program);
      if (exitCode === notFoundExit) throw missing(program);
      return exitCode === 0 ? output : undefined;
    } finally {
      timer.cancel();
    }
  }

  private nextMs(): number {
    this.signal.throwIfAborted();
    const leftMs = limits.allMs - (this.clock.monotonicMs() - this.beganAtMs);
    this.started += 1;
    if (leftMs <= 0 || this.started > limits.programs) throw tooLong('all of it');
    return Math.min(limits.eachMs, leftMs);
  }
}

const prlimit = [
  `--cpu=${limits.eachCpuSeconds}`,
  `--as=${limits.eachMemoryBytes}`,
  '--fsize=0',
  '--core=0',
  '--',
];
/** prlimit(1) ends like a shell does when there is no such program. */
const notFoundExit = 127;

async function firstBytes({ stdout }: StreamingProcess, maxBytes: number): Promise<ProgramOutput> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const ended = finished(stdout, { writable: false }).catch(() => undefined); // how the program ended says more
  stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) stdout.destroy();
  });
  await ended;
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: bytes > maxBytes };
}

function tooLong(what: string): DomainError {
  return new DomainError('image-invalid', `The image could not be looked into: ${what} took too long.`, {
    remedy: 'Look whether its file system is damaged (e2fsck -f -n, xfs_repair -n, btrfs check).',
  });
}

function missing(program: string): DomainError {
  return new DomainError('program-missing', `${program} was to run, but is not installed on this host`, {
    remedy: `install the Debian package ${debianPackageOf(program)}`,
  });
}
