import type { InstanceTypePatch, InstanceTypeView } from '#contract';
import { wipeModes } from '#core';
import { type Command, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceTypeDetails, instanceTypeTable } from '../view/instance-type.js';

type Capacity = Pick<InstanceTypeView, 'vcpus' | 'memoryMb' | 'localGb'>;

const capacity: [flags: string, description: string][] = [
  ['--vcpus <n>', 'CPU threads'],
  ['--memory-mb <MiB>', 'memory'],
  ['--local-gb <GB>', 'disk'],
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
  return command.addOption(
    new Option('--wipe-mode <mode>', 'how thoroughly destroy clears the disk (default: discard)').choices(
      wipeModes,
    ),
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
      '\nExample:\n  dodai instance-types add standard --vcpus 8 --memory-mb 32768 --local-gb 480',
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

async function list({ client, output }: Session): Promise<void> {
  const types = await collect(client.listInstanceTypes());
  output.result(types, (palette) => instanceTypeTable(types, palette));
}

async function show({ client, output }: Session, name: string): Promise<void> {
  const type = await client.instanceType(name);
  output.result(type, (palette) => instanceTypeDetails(type, palette));
}

async function add(
  { client, output }: Session,
  name: string,
  options: InstanceTypePatch & Capacity,
): Promise<void> {
  const type = await client.createInstanceType({ name, ...options });
  output.result(type, (palette) => instanceTypeDetails(type, palette));
}

async function change({ client, output }: Session, name: string, options: InstanceTypePatch): Promise<void> {
  const type = await client.updateInstanceType(name, options);
  output.result(type, (palette) => instanceTypeDetails(type, palette));
}

async function remove({ client, output }: Session, name: string): Promise<void> {
  await client.deleteInstanceType(name);
  output.result({ deleted: name }, () => `Removed the instance type ${name}.`);
}
