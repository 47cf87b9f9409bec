import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { findInstanceId } from '../find-instance.js';
import { outcomeText, throwIfFailed } from '../outcome.js';
import { type Session, withSession } from '../session.js';
import { painterFor } from '../watch/painters.js';
import { watchInstance } from '../watch/watch-instance.js';

const help = `
Ends with 0 when the instance is installed or deleted, with 1 when that failed. Ctrl-C ends the watching only.

Examples:
  dodai watch db1
  dodai watch 3f0c --json | jq -r .installation.stage`;

export function addWatch(program: Command, io: CliIo): void {
  program
    .command('watch')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .description('Show the stages of an installation, hand-over or deletion while they happen')
    .addHelpText('after', help)
    .action(withSession(io, watch));
}

async function watch(session: Session, given: string): Promise<void> {
  const { client, output, io } = session;
  const watched = await watchInstance(session, await findInstanceId(client, given), painterFor(output, io));
  throwIfFailed(watched.instance);
  output.note(await outcomeText(session, watched));
}
