import { extname } from 'node:path';
import { type MachineCreateInput, importHeadings } from '#contract';
import { DomainError } from '#core';
import { type Command, Option } from 'commander';
import { bmcPasswordHelp, readBmcPassword } from '../bmc-password.js';
import type { CliIo } from '../cli-io.js';
import { readInput } from '../input-files.js';
import { repeated, seconds } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { machineDetails, machineTable } from '../view/machine.js';
import { type MachineOptions, machineFields, withMachineOptions } from './machine-options.js';
import { noteIfVerifying } from './verifying-note.js';

type AddOptions = MachineOptions & { wait: boolean; timeout: number };
type SetOptions = MachineOptions & { name?: string; removeLabel?: string[] };

const addExample = `
Example:
  dodai machines add rack1-03 --instance-type standard --pxe-mac 52:54:00:12:34:56 \\
    --bmc-host 10.77.0.103 --bmc-user admin --bmc-password-file ./bmc-password --label rack=1`;

const importHelp = `
A CSV file has a heading for each field it gives, a YAML file is a list of such objects:
  ${importHeadings
    .join(', ')
    .replace(/(.{1,96})(, |$)/g, '$1\n  ')
    .trimEnd()}

All machines are enrolled, or, when one row is at fault, none; every fault is reported with its row.`;

export function addMachineChanges(machines: Command, io: CliIo): void {
  const add = machines.command('add').argument('<name>').description('Enrol a machine and check its BMC');
  withMachineOptions(add, ['instance-type', 'bmc-host', 'bmc-user', 'pxe-mac'])
    .option('--no-wait', 'do not wait until its BMC was checked')
    .option('--timeout <seconds>', 'wait at most so long', seconds, 60)
    .addHelpText('after', `${bmcPasswordHelp}\n${addExample}`)
    .action(withSession(io, enrol));
  machines
    .command('import')
    .argument('<file>', 'CSV or YAML')
    .description('Enrol many machines from a file, all or none')
    .addOption(
      new Option('--format <format>', 'what the file is (default: by its extension)').choices([
        'csv',
        'yaml',
      ]),
    )
    .addHelpText('after', importHelp)
    .action(withSession(io, importFile));
  const set = machines
    .command('set')
    .argument('<machine>', 'id or name')
    .description('Change fields of a machine')
    .option('--name <name>', 'give it another name')
    .option('--remove-label <key>', 'take a label away; may be repeated', repeated);
  withMachineOptions(set)
    .addHelpText(
      'after',
      `\nA field that may be empty is emptied by "none", such as --pxe-ip none.\n${bmcPasswordHelp}`,
    )
    .action(withSession(io, change));
}

async function enrol(
  { client, output, io }: Session,
  name: string,
  { wait, timeout, ...options }: AddOptions,
): Promise<void> {
  const bmcPassword = await readBmcPassword(options, io);
  if (bmcPassword === undefined) {
    throw new DomainError('invalid-request', `The BMC password of ${name} was not given.`, {
      remedy: 'Give --bmc-password-file FILE or --bmc-password-stdin, or set DODAI_BMC_PASSWORD.',
    });
  }
  // The mandatory options hold what the type asks for; the controller checks every field.
  const fields = {
    ...machineFields(options),
    name,
    bmcPassword,
    labels: options.label,
  } as MachineCreateInput;
  const machine = await client.createMachine(fields, wait ? timeout : undefined).catch((error: unknown) => {
    if (isRefusalOfBmc(error)) output.note(keptHint(name));
    throw error;
  });
  output.result(machine, (palette) => machineDetails(machine, palette, io.now()));
  noteIfVerifying(output, machine);
}

/** The machine is in the inventory all the same: what was typed need not be typed again. */
function isRefusalOfBmc(error: unknown): boolean {
  return error instanceof DomainError && error.code.startsWith('bmc-');
}

const keptHint = (name: string) =>
  `${name} is enrolled, but its BMC failed the check. Mend it with "dodai machines set ${name} …", ` +
  `then check again with "dodai machines verify ${name}".`;

function formatOf(file: string, given: 'csv' | 'yaml' | undefined): 'csv' | 'yaml' {
  if (given) return given;
  const extension = extname(file).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (['.yaml', '.yml', '.json'].includes(extension)) return 'yaml';
  throw new DomainError('invalid-request', `What ${file} is cannot be seen from its name.`, {
    remedy: 'Say --format csv or --format yaml.',
  });
}

async function importFile(
  { client, output, io }: Session,
  file: string,
  options: { format?: 'csv' | 'yaml' },
): Promise<void> {
  const format = formatOf(file, options.format);
  const { machines } = await client.importMachines(await readInput(file), format);
  output.result(machines, (palette) => machineTable(machines, palette, io.now()));
  output.note(`Enrolled ${machines.length} machines; their BMCs are being checked: dodai machines list`);
}

async function change({ client, output, io }: Session, name: string, options: SetOptions): Promise<void> {
  const { name: newName, removeLabel: _removed, ...fields } = options;
  const bmcPassword = await readBmcPassword(options, io);
  const labels = await changedLabels(client, name, options);
  const machine = await client.updateMachine(name, {
    ...machineFields(fields),
    ...(newName !== undefined && { name: newName }),
    ...(bmcPassword !== undefined && { bmcPassword }),
    ...(labels && { labels }),
  });
  output.result(machine, (palette) => machineDetails(machine, palette, io.now()));
}

/** The API replaces labels as a whole; here single ones are added and taken away. */
async function changedLabels(
  client: Session['client'],
  name: string,
  { label, removeLabel }: SetOptions,
): Promise<Record<string, string> | undefined> {
  if (!label && !removeLabel) return undefined;
  const { labels } = await client.machine(name);
  const kept = Object.entries(labels).filter(([key]) => !removeLabel?.includes(key));
  return { ...Object.fromEntries(kept), ...label };
}
