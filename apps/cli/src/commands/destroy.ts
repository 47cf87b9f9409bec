import type { InstanceView } from '#contract';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { confirm } from '../confirm.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { waitForInstance } from '../wait-for-instance.js';
import { notWipedNote } from './not-wiped-note.js';

interface DestroyOptions {
  wait?: boolean;
  yes?: boolean;
  force?: boolean;
}

const help = `
The disk of the machine is wiped; with --force it is not, and the machine is kept back until a retry has wiped it. On a terminal this asks first, unless --yes is given; in scripts it does not ask.

Examples:
  dodai destroy db1 --wait
  dodai destroy 3f0c2a8e-6f0b-4a51-9d5e-0c8f7a1b2c3d --yes --json`;

export function addDestroy(parent: Command, io: CliIo): void {
  parent
    .command('destroy')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .description('Wipe the machine of an instance and give it back to the pool')
    .option('-w, --wait', 'watch until it is deleted')
    .option('--force', 'give it up at once, whatever its BMC does; its machine is not wiped')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', help)
    .action(withSession(io, destroy));
}

function questionOf({ hostName, machine, id }: InstanceView, force: boolean): string {
  if (force) return `Give up ${hostName} (${id}), without wiping ${machine?.name ?? 'its machine'}?`;
  const where = machine ? ` and wipe the disk of ${machine.name}` : '';
  return `Destroy ${hostName} (${id})${where}?`;
}

async function destroy(
  session: Session,
  given: string,
  { wait, yes, force = false }: DestroyOptions,
): Promise<void> {
  const { client, output, io } = session;
  const id = await findInstanceId(client, given);
  const before = await client.instance(id);
  await confirm(session, { yes, question: questionOf(before, force) });
  const instance = await (force ? client.askInstance(id, 'force_destroy') : client.destroy(id));
  if (wait && !force) return await waitForInstance(session, instance);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
  if (force) notWipedNote(output, before);
  else output.note(`Watch it: dodai watch ${instance.id}`);
}
