import type { ConfigurationDefaultsInput, InstanceCreateInput } from '#contract';
import { installMethods } from '#core';
import { type Command, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import {
  configurationOf,
  type ConfigurationOptions,
  withConfigurationOptions,
} from '../configuration-options.js';
import { readBytes } from '../input-files.js';
import { keyValue, wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { documentsText } from '../view/documents.js';
import { instanceDetails } from '../view/instance.js';
import { spawnPreviewText } from '../view/spawn-preview.js';
import { waitForInstance } from '../wait-for-instance.js';

type Wanted = Omit<InstanceCreateInput, 'hostName' | keyof ConfigurationDefaultsInput>;

interface SpawnOptions extends ConfigurationOptions {
  zone?: string;
  configDriveFrom?: string;
  label?: Record<string, string>;
  /** Only false says something: commander makes it true when it is not given. */
  createCluster: boolean;
  reuse: boolean;
  defaults: boolean;
  idempotencyKey?: string;
  dryRun?: boolean;
  render?: boolean;
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
  const command = parent
    .command('spawn')
    .argument('<host-name>', 'host name of the OS to install')
    .description('Install an image on a free machine, or take over one that waits in the pool with it')
    .requiredOption('--image <image>', 'image, by id or name')
    .requiredOption('--instance-type <name>', 'instance type')
    .addOption(
      new Option('--install-method <method>', 'how it is installed (default: as the image says)').choices(
        installMethods,
      ),
    )
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
    .option('--no-reuse', 'install, even where a machine waits in the pool with the image');
  withConfigurationOptions(command)
    .option(
      '--config-drive-from <file-or-url>',
      'a config drive that is ready-made: gzip of an ISO 9660 or VFAT image',
    )
    .option(
      '--launch-index <n>',
      'its number among those that are spawned together (default: 0)',
      wholeNumber,
    )
    .option('--no-defaults', 'inherit nothing from cluster, instance type and machine')
    .option('--idempotency-key <key>', 'sent again with the same key, the request gives the same instance')
    .option('--dry-run', 'only tell what would be chosen, and why the others would not')
    .option('--render', 'only show what its OS would be told, secrets left out')
    .option('-w, --wait', 'watch until it is installed')
    .addHelpText('after', help)
    .action(withSession(io, spawn));
}

async function requestOf(hostName: string, options: SpawnOptions & Wanted): Promise<InstanceCreateInput> {
  const { zone, label, createCluster, reuse, defaults, configDriveFrom, ...more } = options;
  return {
    ...(await configurationOf(more)),
    hostName,
    ...(configDriveFrom !== undefined && { configDrive: await driveOf(configDriveFrom) }),
    ...(zone !== undefined && { availabilityZone: zone }),
    ...(label && { labels: label }),
    ...(!defaults && { defaults }),
    ...(!createCluster && { createCluster }),
    ...(!reuse && { reuse }),
  };
}

async function driveOf(given: string): Promise<{ url: string } | { base64: string }> {
  if (/^https?:\/\//.test(given)) return { url: given };
  return { base64: (await readBytes(given)).toString('base64') };
}

async function spawn(
  session: Session,
  hostName: string,
  { wait, dryRun, render, idempotencyKey, ...options }: SpawnOptions & Wanted,
): Promise<void> {
  const { client, output, io } = session;
  const wanted = await requestOf(hostName, options);
  if (dryRun) {
    const preview = await client.previewSpawn(wanted);
    return output.result(preview, (palette) => spawnPreviewText(preview, palette));
  }
  if (render) {
    const list = await client.documentsBeforehand(wanted);
    return output.result(list, (palette) => documentsText(list, palette));
  }
  const instance = await client.spawn(wanted, idempotencyKey);
  if (instance.configuration.sshKeys.length === 0 && !instance.configuration.hasPassword)
    output.note('No key and no password was given: only what the image brings along can log in.');
  if (wait) return await waitForInstance(session, instance);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
  output.note(`Watch it: dodai watch ${instance.id}`);
}
