import type { Readable, Writable } from 'node:stream';
import { DomainError } from '#core';
import { execa } from 'execa';
import { debianPackageOf } from './debian-package.js';

/** How a streaming program ended. null: a signal ended it. */
export interface StreamingEnd {
  exitCode: number | null;
  /** The last lines of what it said on standard error. */
  stderr: string;
}

/** A running program that is fed and read while it works. */
export interface StreamingProcess {
  stdin: Writable;
  stdout: Readable;
  /** Rejects with DomainError `program-missing` or `program-not-started` when it could not be started. */
  ended: Promise<StreamingEnd>;
}

const stderrLimitChars = 4096;

export interface StreamingOptions {
  /** The whole environment of the program, besides PATH, which is this process's own; not given: all of this process's. */
  env?: Record<string, string>;
}

/** Runs programs as filters of a stream, such as zstd, or as the other end of a long talk, such as ipmitool's. */
export class StreamingProcesses {
  /**
   * The program is killed when the signal aborts, and when this process ends. When this process is killed outright,
   * the program's standard input ends.
   */
  start(
    file: string,
    args: readonly string[],
    signal: AbortSignal,
    { env }: StreamingOptions = {},
  ): StreamingProcess {
    const subprocess = execa(file, args, {
      buffer: false,
      reject: false,
      cancelSignal: signal,
      forceKillAfterDelay: 1000,
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      encoding: 'buffer',
      ...(env && { env: { PATH: process.env.PATH, ...env }, extendEnv: false }),
    });
    let stderr = '';
    subprocess.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-stderrLimitChars);
    });
    const ended = subprocess.then((result) => {
      if (subprocess.pid === undefined) throw notStarted(file, result.cause);
      return { exitCode: result.exitCode ?? null, stderr: stderr.trim() };
    });
    ended.catch(() => undefined); // whoever awaits it still gets it; nobody may be waiting yet
    return { stdin: subprocess.stdin, stdout: subprocess.stdout, ended };
  }
}

function notStarted(file: string, cause: unknown): DomainError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT')
    return new DomainError('program-missing', `${file} was to run, but is not installed on this host`, {
      cause,
      remedy: `install the Debian package ${debianPackageOf(file)}`,
    });
  return new DomainError('program-not-started', `${file} could not be started: ${code ?? String(cause)}`, {
    cause,
    remedy: `check that ${file} may be executed and that this host has memory and processes left`,
  });
}
