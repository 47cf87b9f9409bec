import { DomainError } from '#core';
import type { ProcessRunner, RunResult } from '#platform';

const timeoutMs = 60_000;

/** Runs a program that makes file systems or reads them; that it fails is a fault of this host, not of who asked. */
export async function runDriveProgram(
  runner: ProcessRunner,
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<RunResult> {
  const result = await runner.run(program, args, { timeoutMs, env: { LC_ALL: 'C.UTF-8', ...env } });
  if (result.exitCode === 0) return result;
  const last = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new DomainError(
    'internal',
    `${program} could not write the config drive: ${last || howItEnded(result)}`,
    {
      remedy: 'look whether the disk of the controller is full, and try again',
      context: { program, stderr: result.stderr.slice(-2000) },
    },
  );
}

function howItEnded({ exitCode, signal, timedOut }: RunResult): string {
  if (timedOut) return `it was not done after ${timeoutMs / 1000} s`;
  return signal ? `it was ended by ${signal}` : `it ended with ${exitCode}`;
}
