import { machineStates, type MachineState } from '#core';
import { type Command, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { seconds, wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { machineDetails, machineTable } from '../view/machine.js';
import { addMachineChanges } from './machine-changes.js';
import { addMachineVerbs } from './machine-verbs.js';
import { noteIfVerifying } from './verifying-note.js';

interface ListOptions {
  state?: MachineState;
  instanceType?: string;
  label?: string;
  limit?: number;
}

export function addMachines(program: Command, io: CliIo): void {
  const machines = program
    .command('machines')
    .alias('machine')
    .description('The inventory: enrol, import, change, check, mark, adopt and remove machines');
  machines
    .command('list')
    .alias('ls')
    .description('List machines with their state, stage and power')
    .addOption(new Option('--state <state>', 'only those in this state').choices(machineStates))
    .option('--instance-type <name>', 'only those of this instance type')
    .option('--label <key=value>', 'only those with this label; a key alone: whatever its value')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .action(withSession(io, list));
  machines
    .command('show')
    .argument('<machine>', 'id or name')
    .description('Show everything about one machine, its last error and what may be asked of it')
    .action(withSession(io, show));
  addMachineChanges(machines, io);
  addMachineVerbs(machines, io);
  machines
    .command('verify')
    .argument('<machine>', 'id or name')
    .description('Check its BMC again: address, credentials, power state')
    .option('--no-wait', 'do not wait for the outcome')
    .option('--timeout <seconds>', 'wait at most so long', seconds, 60)
    .action(withSession(io, verify));
  machines
    .command('delete')
    .alias('rm')
    .argument('<machine>', 'id or name')
    .description('Remove a machine that carries no instance from the inventory')
    .action(withSession(io, remove));
}

async function list({ client, output, io }: Session, options: ListOptions): Promise<void> {
  const machines = await collect(client.listMachines(options));
  output.result(machines, (palette) => machineTable(machines, palette, io.now()));
}

async function show({ client, output, io }: Session, name: string): Promise<void> {
  const machine = await client.machine(name);
  output.result(machine, (palette) => machineDetails(machine, palette, io.now()));
}

async function verify(
  { client, output, io }: Session,
  name: string,
  { wait, timeout }: { wait: boolean; timeout: number },
): Promise<void> {
  const machine = await client.verifyMachine(name, wait ? timeout : undefined);
  output.result(machine, (palette) => machineDetails(machine, palette, io.now()));
  noteIfVerifying(output, machine);
}

async function remove({ client, output }: Session, name: string): Promise<void> {
  await client.deleteMachine(name);
  output.result({ deleted: name }, () => `Removed ${name} from the inventory.`);
}
