import { Readable } from 'node:stream';
import type { CliIo } from './cli-io.js';
import { run } from './program.js';

export interface CapturedRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** For tests: what a command line does, with everything outside given and everything said kept. */
export async function runCaptured(
  args: string[],
  given: Partial<CliIo> & { input?: string } = {},
): Promise<CapturedRun> {
  const { input = '', ...rest } = given;
  const said = { stdout: '', stderr: '' };
  const io: CliIo = {
    env: {},
    stdin: Readable.from([input]),
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    now: () => new Date('2026-01-31T12:00:00Z'),
    sleep: async (_durationMs, signal) => {
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
    signal: new AbortController().signal,
    ...rest,
  };
  return { code: await run(args, io, '1.2.3'), ...said };
}
