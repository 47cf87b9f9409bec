import type { InstanceTypePatch, InstanceTypeView } from '#contract';
import { afterDestroyPolicies, type InstallMethodName, installMethods, wipeModes } from '#core';
import { type Command, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { readJson } from '../input-files.js';
import { asGiven, clearable, wholeNumber, withNulls } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceTypeDetails, instanceTypeTable } from '../view/instance-type.js';

type Capacity = Pick<InstanceTypeView, 'vcpus' | 'memoryMb' | 'localGb'>;
/** What commander makes of the options: the layout is still the name of its file. */
type Options = Omit<InstanceTypePatch, 'diskLayout' | 'forbiddenMethods'> & {
  diskLayout?: string;
  forbidMethods?: (InstallMethodName | 'none')[];
};

const capacity: [flags: string, description: string][] = [
  ['--vcpus <n>', 'CPU threads'],
  ['--memory-mb <MiB>', 'memory'],
  ['--local-gb <GB>', 'disk; 0: there is none'],
];

const layout: [flags: string, description: string][] = [
  ['--root-size-mib <MiB>', 'root partition (default: 10240)'],
  ['--swap-size-mib <MiB>', 'swap partition (default: 2048)'],
  ['--kdump-size-mib <MiB>', 'partition for kernel dumps (default: 10240)'],
  ['--ephemeral-size-mib <MiB>', 'ephemeral partition; 0: the rest of the disk (default: 0)'],
];

function withOptions(command: Command, mandatory: boolean): Command {
  for (const [flags, description] of capacity) {
    command.addOption(new Option(flags, description).argParser(wholeNumber).makeOptionMandatory(mandatory));
  }
  for (const [flags, description] of layout) command.option(flags, description, wholeNumber);
  command.option(
    '--disk-layout <file>',
    'JSON file that says how disks are divided, instead of by the four sizes; none: by those',
    clearable(asGiven),
  );
  return withPoolOptions(
    withMethodOptions(command).addOption(
      new Option('--wipe-mode <mode>', 'how thoroughly destroy clears the disk (default: discard)').choices(
        wipeModes,
      ),
    ),
  );
}

function withMethodOptions(command: Command): Command {
  return command
    .option(
      '--kernel-arguments <words>',
      'for every kernel on its machines (default, and none: console=tty0 console=ttyS0,115200n8)',
      clearable(asGiven),
    )
    .addOption(
      new Option(
        '--forbid-methods <methods...>',
        'install methods that nothing is installed by; none: all are allowed',
      ).choices([...installMethods, 'none']),
    );
}

function withPoolOptions(command: Command): Command {
  return command
    .option(
      '--default-image <image>',
      'image of the machines that wait in the pool, by id or name; none: no pool',
      clearable(asGiven),
    )
    .option('--pool-size <n>', 'how many machines are kept waiting in the pool (default: 0)', wholeNumber)
    .addOption(
      new Option(
        '--after-destroy <policy>',
        'reinstall: a machine that was given back waits in the pool again (default: none)',
      ).choices(afterDestroyPolicies),
    );
}

export function addInstanceTypes(program: Command, io: CliIo): void {
  const types = program
    .command('instance-types')
    .alias('instance-type')
    .description('Kinds of machines, their disk layout and how they are wiped');
  types.command('list').alias('ls').description('List instance types').action(withSession(io, list));
  types
    .command('show')
    .argument('<name>')
    .description('Show one instance type')
    .action(withSession(io, show));
  withOptions(types.command('add').argument('<name>').description('Make an instance type'), true)
    .addHelpText(
      'after',
      '\nExamples:\n  dodai instance-types add standard --vcpus 8 --memory-mb 32768 --local-gb 480\n' +
        '  dodai instance-types set standard --default-image debian-12 --pool-size 4 --after-destroy reinstall\n' +
        '  dodai instance-types set mirrored --disk-layout raid1.json',
    )
    .action(withSession(io, add));
  withOptions(
    types.command('set').argument('<name>').description('Change fields of an instance type'),
    false,
  ).action(withSession(io, change));
  types
    .command('delete')
    .alias('rm')
    .argument('<name>')
    .description('Remove an instance type that no machine has')
    .action(withSession(io, remove));
}

/** Of their default images, by id. */
async function imageNames(
  client: Session['client'],
  types: InstanceTypeView[],
): Promise<Map<string, string>> {
  const ids = [...new Set(types.map(({ defaultImageId }) => defaultImageId))].filter((id) => id !== null);
  const images = await Promise.all(ids.map((id) => client.image(id)));
  return new Map(images.map(({ id, name }) => [id, name]));
}

async function tell({ client, output }: Session, type: InstanceTypeView): Promise<void> {
  const names = output.json ? new Map() : await imageNames(client, [type]);
  output.result(type, (palette) => instanceTypeDetails(type, names, palette));
}

async function list({ client, output }: Session): Promise<void> {
  const types = await collect(client.listInstanceTypes());
  const names = output.json ? new Map() : await imageNames(client, types);
  output.result(types, (palette) => instanceTypeTable(types, names, palette));
}

async function show(session: Session, name: string): Promise<void> {
  await tell(session, await session.client.instanceType(name));
}

async function add(session: Session, name: string, options: Options & Capacity): Promise<void> {
  const { vcpus, memoryMb, localGb } = options;
  const type = { name, vcpus, memoryMb, localGb, ...(await patchOf(options)) };
  await tell(session, await session.client.createInstanceType(type));
}

async function change(session: Session, name: string, options: Options): Promise<void> {
  await tell(session, await session.client.updateInstanceType(name, await patchOf(options)));
}

async function patchOf(options: Options): Promise<InstanceTypePatch> {
  const { diskLayout, forbidMethods, ...plain } = withNulls(options);
  const forbiddenMethods = forbidMethods?.filter((method) => method !== 'none');
  const same = { ...plain, ...(forbiddenMethods && { forbiddenMethods }) };
  if (diskLayout === undefined || diskLayout === null) return { ...same, diskLayout };
  return { ...same, diskLayout: await readJson(diskLayout) };
}

async function remove({ client, output }: Session, name: string): Promise<void> {
  await client.deleteInstanceType(name);
  output.result({ deleted: name }, () => `Removed the instance type ${name}.`);
}
