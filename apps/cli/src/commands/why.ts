import type { WhyView } from '#contract';
import { DomainError } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import type { DodaiClient } from '../client.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { whyText } from '../view/why.js';

const help = `
Concluded from the timeline, while something is awaited as well as after it failed.

Examples:
  dodai why rack1-03
  dodai why db1 --json | jq -r '.findings[0].rule'`;

export function addWhy(program: Command, io: CliIo): void {
  program
    .command('why')
    .argument('<machine>', 'a machine, by id or name; or an instance, by id or host name')
    .description('Say where a machine or an instance stands, what is missing, and what to check next')
    .addHelpText('after', help)
    .action(withSession(io, tell));
}

async function tell({ client, output, io }: Session, given: string): Promise<void> {
  const why = await explain(client, given);
  output.result(why, (palette) => whyText(why, palette, io.now()));
}

/** A machine of this name comes first; what is no machine is an instance. */
async function explain(client: DodaiClient, given: string): Promise<WhyView> {
  try {
    return await client.whyMachine(given);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'machine-not-found') throw error;
  }
  return client.whyInstance(await findInstanceId(client, given));
}
