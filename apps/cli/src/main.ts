#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from './program.js';

/** The package this file belongs to, from its sources as well as from dist/. */
function packageVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return version;
}

const interruption = new AbortController();
// Ctrl-C lets the command end in order, a second one ends it at once. The listener stays: the library that shows
// the cursor again kills the process when it finds itself alone with the signal.
process.on('SIGINT', () => (interruption.signal.aborted ? process.exit(130) : interruption.abort()));

// `dodai machines list | head -1` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(
  process.argv.slice(2),
  {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => new Date(),
    sleep: async (durationMs, signal) => {
      await pause(durationMs, undefined, { signal });
    },
    signal: interruption.signal,
  },
  packageVersion(),
);
