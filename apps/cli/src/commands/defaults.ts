import type { ConfigurationDefaultsView } from '#contract';
import { type DefaultsScope, defaultsScopes } from '#core';
import { Argument, type Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import {
  configurationOf,
  type ConfigurationOptions,
  withConfigurationOptions,
} from '../configuration-options.js';
import { type Session, withSession } from '../session.js';
import { defaultsDetails, defaultsTable } from '../view/defaults.js';

const help = `
A spawn inherits from its cluster, its instance type and its machine, and says the rest itself: the more special one goes
first. Keys and vendor data of all of them are taken. What was spawned already stays as it is.

Examples:
  dodai defaults set cluster blue --ssh-key ops.pub --meta site=north
  dodai defaults set machine rack1-03 --network rack1-03.yaml
  dodai defaults show machine rack1-03`;

const scope = () => new Argument('<scope>', 'of what they are the defaults').choices(defaultsScopes);
const nameHelp = 'cluster, instance type or machine';

export function addDefaults(program: Command, io: CliIo): void {
  const defaults = program
    .command('defaults')
    .description('What instances inherit from their cluster, instance type and machine')
    .addHelpText('after', help);
  defaults.command('list').alias('ls').description('List all defaults').action(withSession(io, list));
  defaults
    .command('show')
    .addArgument(scope())
    .argument('<name>', nameHelp)
    .description('Show the defaults of one')
    .action(withSession(io, show));
  withConfigurationOptions(defaults.command('set').addArgument(scope()).argument('<name>', nameHelp))
    .description('Set the defaults of one, in place of all that it has')
    .action(withSession(io, set));
  defaults
    .command('delete')
    .alias('rm')
    .addArgument(scope())
    .argument('<name>', nameHelp)
    .description('Remove the defaults of one')
    .action(withSession(io, remove));
}

function tell({ output }: Session, view: ConfigurationDefaultsView): void {
  output.result(view, () => defaultsDetails(view));
}

async function list({ client, output }: Session): Promise<void> {
  const all = await collect(client.listDefaults());
  output.result(all, (palette) => defaultsTable(all, palette));
}

async function show(session: Session, of: DefaultsScope, name: string): Promise<void> {
  tell(session, await session.client.defaults(of, name));
}

async function set(
  session: Session,
  of: DefaultsScope,
  name: string,
  options: ConfigurationOptions,
): Promise<void> {
  tell(session, await session.client.putDefaults(of, name, await configurationOf(options)));
}

async function remove({ client, output }: Session, of: DefaultsScope, name: string): Promise<void> {
  await client.deleteDefaults(of, name);
  output.result({ deleted: `${of}/${name}` }, () => `Removed the defaults of the ${of} ${name}.`);
}
