import { existsSync } from 'node:fs';
import type { InstanceCreateInput } from '#contract';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { readInput } from '../input-files.js';
import { keyValue, repeated, wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { spawnPreviewText } from '../view/spawn-preview.js';
import { waitForInstance } from '../wait-for-instance.js';

type Wanted = Omit<InstanceCreateInput, 'hostName' | 'sshKeys' | 'userData'>;

interface SpawnOptions {
  zone?: string;
  sshKey?: string[];
  userData?: string;
  label?: Record<string, string>;
  /** Only false says something: commander makes it true when it is not given. */
  createCluster: boolean;
  reuse: boolean;
  idempotencyKey?: string;
  dryRun?: boolean;
  wait?: boolean;
}

const help = `
Without --machine any machine of the type is taken: for an owner one that waits in the pool with this image, which is
handed over; else a free one, which is installed. The answer comes at once; the work goes on by itself and is watched
with --wait or with "dodai watch".

Examples:
  dodai spawn db1 --image debian-12 --instance-type standard --ssh-key ~/.ssh/id_ed25519.pub --wait
  dodai spawn db2 --image debian-12 --instance-type standard --zone C,blue,12 --anti-affinity rack --dry-run`;

export function addSpawn(parent: Command, io: CliIo): void {
  parent
    .command('spawn')
    .argument('<host-name>', 'host name of the OS to install')
    .description('Install an image on a free machine, or take over one that waits in the pool with it')
    .requiredOption('--image <image>', 'image, by id or name')
    .requiredOption('--instance-type <name>', 'instance type')
    .option('--machine <machine>', 'this machine and no other, by id or name')
    .option('--cluster <name>', 'cluster it is for (default: the resource pool)')
    .option('--vlan-id <id>', 'VLAN', wholeNumber)
    .option('--no-create-cluster', 'only when the cluster is there already')
    .option('--zone <zone>', 'the same in one word: resource_pool, CLUSTER,VLAN or C,CLUSTER,VLAN')
    .option('--label <key=value>', 'only a machine with this label; may be repeated', keyValue)
    .option('--min-vcpus <n>', 'only a machine with so many CPU threads', wholeNumber)
    .option('--min-memory-mb <MiB>', 'only a machine with so much memory', wholeNumber)
    .option('--min-local-gb <GB>', 'only a machine with such a disk', wholeNumber)
    .option('--anti-affinity <label>', 'no machine that shares this label with one of the same cluster')
    .option('--no-reuse', 'install, even where a machine waits in the pool with the image')
    .option('--ssh-key <file-or-key>', 'public key that may log in; may be repeated', repeated)
    .option('--user-data <file>', 'script that the OS runs once; begins with #!')
    .option('--idempotency-key <key>', 'sent again with the same key, the request gives the same instance')
    .option('--dry-run', 'only tell what would be chosen, and why the others would not')
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

async function requestOf(
  hostName: string,
  { zone, sshKey = [], userData, label, createCluster, reuse, ...plain }: SpawnOptions & Wanted,
): Promise<InstanceCreateInput> {
  return {
    ...plain,
    hostName,
    sshKeys: (await Promise.all(sshKey.map(keysOf))).flat(),
    ...(zone !== undefined && { availabilityZone: zone }),
    ...(label && { labels: label }),
    ...(userData !== undefined && { userData: await readInput(userData) }),
    ...(!createCluster && { createCluster }),
    ...(!reuse && { reuse }),
  };
}

async function spawn(
  session: Session,
  hostName: string,
  { wait, dryRun, idempotencyKey, ...options }: SpawnOptions & Wanted,
): Promise<void> {
  const { client, output, io } = session;
  const wanted = await requestOf(hostName, options);
  if (dryRun) {
    const preview = await client.previewSpawn(wanted);
    return output.result(preview, (palette) => spawnPreviewText(preview, palette));
  }
  const instance = await client.spawn(wanted, idempotencyKey);
  if (wanted.sshKeys?.length === 0)
    output.note('No --ssh-key was given: only what the image brings along can log in.');
  if (wait) return await waitForInstance(session, instance);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
  output.note(`Watch it: dodai watch ${instance.id}`);
}
