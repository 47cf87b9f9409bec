import type { UserDataItemPutInput } from '#contract';
import { userDataTypes } from '#core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { readInput } from '../input-files.js';
import { type Session, withSession } from '../session.js';
import { findingText, userDataItemDetails, userDataItemTable } from '../view/user-data-item.js';

const help = `
Values of the instance are filled into a part that is put with --template, where it says {{ hostName }}. Known are hostName,
instanceId, localIpv4, managementIp, availabilityZone, cluster, instanceType, deviceType, imageId, launchIndex, metadata.KEY and
nics (each with role, mac, ip); any other name is a fault.

Examples:
  dodai user-data-items put base-packages packages.yaml --type cloud-config
  dodai user-data-items put greeting motd.sh --type shellscript --template --description 'who is who'
  dodai user-data-items show base-packages@3 --content`;

const shortTypes = new Map(userDataTypes.map((type) => [type.replace(/^text\/(x-)?/, ''), type]));

/** `cloud-config` for `text/cloud-config`. */
function typeOf(text: string): UserDataItemPutInput['type'] {
  const type = shortTypes.get(text) ?? userDataTypes.find((each) => each === text);
  if (type === undefined)
    throw new InvalidArgumentError(`It is none of ${[...shortTypes.keys()].join(', ')}.`);
  return type;
}

interface Item {
  name: string;
  version?: number;
}

/** NAME, or NAME@VERSION. */
function itemOf(text: string): Item {
  const [, name, version] = /^([^@]+)(?:@(\d{1,9}))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It is neither NAME nor NAME@VERSION.');
  return version === undefined ? { name } : { name, version: Number(version) };
}

export function addUserDataItems(program: Command, io: CliIo): void {
  const items = program
    .command('user-data-items')
    .alias('user-data-item')
    .description('Library of parts of user data, in versions')
    .addHelpText('after', help);
  items
    .command('list')
    .alias('ls')
    .description('List the newest version of each')
    .action(withSession(io, list));
  items
    .command('show')
    .argument('<name[@version]>', 'without a version: the newest', itemOf)
    .option('--content', 'print the content alone')
    .description('Show one part')
    .action(withSession(io, show));
  items
    .command('put')
    .argument('<name>')
    .argument('<file>', 'file with its content')
    .addOption(
      new Option('--type <type>', [...shortTypes.keys()].join(', ')).argParser(typeOf).makeOptionMandatory(),
    )
    .option('--template', 'fill in values of the instance')
    .option(
      '--merge-type <how>',
      "how cloud-init merges it, such as 'list(append)+dict(recurse_array)+str()'",
    )
    .option('--description <text>', 'what it is for')
    .description('Put a part into the library; under a name that is there, as its next version')
    .action(withSession(io, put));
  items
    .command('delete')
    .alias('rm')
    .argument('<name[@version]>', 'without a version: all of them', itemOf)
    .description('Remove a part that no defaults name')
    .action(withSession(io, remove));
}

async function list({ client, output }: Session): Promise<void> {
  const items = await collect(client.listUserDataItems());
  output.result(items, (palette) => userDataItemTable(items, palette));
}

async function show({ client, output }: Session, item: Item, options: { content?: boolean }): Promise<void> {
  const view = await client.userDataItem(item.name, item.version);
  output.result(view, (palette) => (options.content ? view.content : userDataItemDetails(view, palette)));
}

async function put(
  { client, output }: Session,
  name: string,
  file: string,
  options: Omit<UserDataItemPutInput, 'content'>,
): Promise<void> {
  const stored = await client.putUserDataItem(name, { ...options, content: await readInput(file) });
  output.result(stored, (palette) => userDataItemDetails(stored, palette));
  for (const warning of stored.warnings) output.note(`Warning: ${findingText(warning)}`);
}

async function remove({ client, output }: Session, { name, version }: Item): Promise<void> {
  await client.deleteUserDataItem(name, version);
  const deleted = version === undefined ? name : `${name}@${version}`;
  output.result({ deleted }, () => `Removed ${deleted} from the library of user data.`);
}
