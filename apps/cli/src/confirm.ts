import { createInterface } from 'node:readline/promises';
import { DomainError } from '#core';
import type { Session } from './session.js';

/** Asks a person on a terminal before something that cannot be undone; scripts and `--yes` are not asked. */
export async function confirm(
  { io, output }: Session,
  { yes = false, question }: { yes?: boolean; question: string },
): Promise<void> {
  if (!io.stdin.isTTY || yes || output.json) return;
  const terminal = createInterface({ input: io.stdin, output: io.stderr as NodeJS.WriteStream });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: io.signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new DomainError('invalid-request', 'Nothing was done.');
}
