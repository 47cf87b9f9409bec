#!/usr/bin/env node
import { Command } from 'commander';
import { attachConsole } from './console.js';
import { LabError } from './lab-error.js';
import { diskBuses, firmwares, nicModels, parsePort } from './options.js';
import { Rack } from './rack.js';
import { describeRack, printRack } from './status.js';

interface UpOptions {
  name: string;
  machines?: string;
  memory?: string;
  cpus?: string;
  disk?: string[];
  nic?: string;
  serviceNics?: string;
  firmware?: string;
  publish?: string;
}

interface NamedOptions {
  name: string;
}

const nameOption = ['--name <name>', 'the rack', 'rack'] as const;

function buildProgram(): Command {
  const program = new Command('lab')
    .description(
      'Virtual racks: machines that boot from the network, each with an IPMI BMC, in a network namespace.',
    )
    .enablePositionalOptions();
  program
    .command('up')
    .description('raise a rack, or complete one that is partly up; its machines are off')
    .option(...nameOption)
    .option('--machines <count>', 'how many (default: 2)')
    .option('--memory <MiB>', 'memory of each machine (default: 1024)')
    .option('--cpus <count>', 'processors of each machine (default: 1)')
    .option(
      '--disk <bus:size>',
      `a disk on ${diskBuses.join(', ')}, :4k at its end for 4K-native; repeatable (default: virtio:6G)`,
      append,
    )
    .option('--nic <model>', `network card: ${nicModels.join(', ')} (default: virtio)`)
    .option('--service-nics <count>', 'more cards, on a network of their own (default: 0)')
    .option('--firmware <firmware>', `${firmwares.join(', ')} (default: bios)`)
    .option('--publish <port>', "reach the controller's port on 127.0.0.1 of this host")
    .action(up);
  program
    .command('down')
    .description('end everything of a rack and remove its disks')
    .option(...nameOption)
    .action(down);
  program
    .command('status')
    .description('machines, addresses, power')
    .option('--name <name>', 'one rack; all without it')
    .option('--json', 'for programs; with the passwords of the BMCs')
    .action(status);
  program
    .command('console')
    .description("a machine's serial line; detach with Ctrl-]")
    .argument('<machine>')
    .option(...nameOption)
    .action(async (machine: string, { name }: NamedOptions) => {
      const rack = await Rack.open(name);
      await attachConsole(rack, rack.machine(machine));
    });
  program
    .command('exec')
    .description("run a command in the rack's network")
    .argument('<command...>')
    .option(...nameOption)
    .passThroughOptions()
    .action(exec);
  return program;
}

async function up(options: UpOptions): Promise<void> {
  const rack = await Rack.create({
    name: options.name,
    machines: optionalNumber(options.machines),
    memoryMiB: optionalNumber(options.memory),
    cpus: optionalNumber(options.cpus),
    disks: options.disk,
    nic: options.nic,
    serviceNics: options.serviceNics === undefined ? undefined : Number(options.serviceNics),
    firmware: options.firmware,
  });
  if (options.publish !== undefined) await rack.publish(parsePort(options.publish));
  printRack(rack);
}

async function down({ name }: NamedOptions): Promise<void> {
  if (!(await Rack.names()).includes(name)) {
    console.log(`There is no rack '${name}': nothing to do.`);
    return;
  }
  await (await Rack.open(name)).down();
  console.log(`Rack '${name}' is gone.`);
}

async function status({ name, json }: { name?: string; json?: boolean }): Promise<void> {
  const names = name === undefined ? await Rack.names() : [name];
  const racks = await Promise.all(names.map((each) => Rack.open(each)));
  if (json) console.log(JSON.stringify(racks.map(describeRack), null, 2));
  else if (racks.length === 0) console.log('There is no rack. Raise one: lab up');
  else racks.forEach(printRack);
}

async function exec([file = '', ...args]: string[], { name }: NamedOptions): Promise<void> {
  const rack = await Rack.open(name);
  const { exitCode } = await rack.exec(file, args, { stdio: 'inherit', reject: false });
  process.exitCode = exitCode ?? 1;
}

function append(value: string, values: string[] = []): string[] {
  return [...values, value];
}

function optionalNumber(text?: string): number | undefined {
  return text === undefined ? undefined : Number(text);
}

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(`lab: ${error.message}\n${error.remedy}`);
  process.exitCode = 1;
}
