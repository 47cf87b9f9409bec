import { createInterface } from 'node:readline/promises';
import type { InstanceView } from '#contract';
import { DomainError } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { waitForInstance } from '../wait-for-instance.js';

interface DestroyOptions {
  wait?: boolean;
  yes?: boolean;
}

const help = `
The disk of the machine is wiped. On a terminal this asks first, unless --yes is given; in scripts it does not ask.

Examples:
  dodai destroy db1 --wait
  dodai destroy 3f0c2a8e-6f0b-4a51-9d5e-0c8f7a1b2c3d --yes --json`;

export function addDestroy(parent: Command, io: CliIo): void {
  parent
    .command('destroy')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .description('Wipe the machine of an instance and give it back to the pool')
    .option('-w, --wait', 'watch until it is deleted')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', help)
    .action(withSession(io, destroy));
}

async function confirm(io: CliIo, { hostName, machine, id }: InstanceView): Promise<void> {
  const terminal = createInterface({ input: io.stdin, output: io.stderr as NodeJS.WriteStream });
  try {
    const where = machine ? ` and wipe the disk of ${machine.name}` : '';
    const answer = await terminal.question(`Destroy ${hostName} (${id})${where}? [y/N] `, {
      signal: io.signal,
    });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new DomainError('invalid-request', 'Nothing was destroyed.');
}

async function destroy(session: Session, given: string, { wait, yes }: DestroyOptions): Promise<void> {
  const { client, output, io } = session;
  const id = await findInstanceId(client, given);
  if (io.stdin.isTTY && !yes && !output.json) await confirm(io, await client.instance(id));
  const instance = await client.destroy(id);
  if (wait) return await waitForInstance(session, instance);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
  output.note(`Watch it: dodai watch ${instance.id}`);
}
