import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { readInput } from '../input-files.js';
import { repeated, wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { waitForInstance } from '../wait-for-instance.js';

interface SpawnOptions {
  image: string;
  instanceType: string;
  machine?: string;
  cluster?: string;
  vlanId?: number;
  sshKey?: string[];
  idempotencyKey?: string;
  wait?: boolean;
}

const help = `
Without --machine any free machine of the type is taken. The answer comes at once; the installation goes on by
itself and is watched with --wait or with "dodai watch".

Example:
  dodai spawn db1 --image debian-12 --instance-type standard --ssh-key ~/.ssh/id_ed25519.pub --wait`;

export function addSpawn(parent: Command, io: CliIo): void {
  parent
    .command('spawn')
    .argument('<host-name>', 'host name of the OS to install')
    .description('Install an image on a free machine')
    .requiredOption('--image <image>', 'image, by id or name')
    .requiredOption('--instance-type <name>', 'instance type')
    .option('--machine <machine>', 'this machine and no other, by id or name')
    .option('--cluster <name>', 'cluster it is for (default: the resource pool)')
    .option('--vlan-id <id>', 'VLAN', wholeNumber)
    .option('--ssh-key <file-or-key>', 'public key that may log in; may be repeated', repeated)
    .option('--idempotency-key <key>', 'sent again with the same key, the request gives the same instance')
    .option('-w, --wait', 'watch until it is installed')
    .addHelpText('after', help)
    .action(withSession(io, spawn));
}

/** A file with one key on each line, or the key itself. */
async function keysOf(given: string): Promise<string[]> {
  if (/^(ssh-|ecdsa-|sk-)/.test(given) && !existsSync(given)) return [given];
  const lines = (await readInput(given)).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

async function spawn(
  session: Session,
  hostName: string,
  { wait, idempotencyKey, sshKey = [], ...wanted }: SpawnOptions,
): Promise<void> {
  const { client, output, io } = session;
  const sshKeys = (await Promise.all(sshKey.map(keysOf))).flat();
  const instance = await client.spawn({ ...wanted, hostName, sshKeys }, idempotencyKey);
  if (sshKeys.length === 0)
    output.note('No --ssh-key was given: only what the image brings along can log in.');
  if (wait) return await waitForInstance(session, instance);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
  output.note(`Watch it: dodai watch ${instance.id}`);
}
