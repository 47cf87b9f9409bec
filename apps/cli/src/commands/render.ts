import { DomainError } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { documentsTable, documentsText, documentText } from '../view/documents.js';

const help = `
Passwords, random seeds, files and whole user data are left out: [secret]. "dodai spawn … --render" shows the same before
there is an instance.

Examples:
  dodai render db1
  dodai render db1 config-drive/openstack/latest/network_data.json
  dodai render db1 --all | less`;

export function addRender(program: Command, io: CliIo): void {
  program
    .command('render')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .argument('[path]', 'one document; none: list them')
    .description('Show what the OS of an instance is told about itself')
    .option('--all', 'every document, one after another')
    .addHelpText('after', help)
    .action(withSession(io, render));
}

async function render(
  { client, output }: Session,
  given: string,
  path: string | undefined,
  { all }: { all?: boolean },
): Promise<void> {
  const list = await client.documents(await findInstanceId(client, given));
  if (path === undefined)
    return output.result(list, (palette) =>
      all ? documentsText(list, palette) : documentsTable(list, palette),
    );
  const found = list.documents.find((document) => document.path === path);
  if (!found)
    throw new DomainError('not-found', `${given} has no document ${path}.`, {
      remedy: `List them with: dodai render ${given}`,
    });
  output.result(found, () => documentText(found));
}
