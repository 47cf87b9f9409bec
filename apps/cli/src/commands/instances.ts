import { type InstanceState, instanceStates } from '#core';
import { type Command, Option } from 'commander';
import type { CliIo } from '../cli-io.js';
import { collect } from '../collect.js';
import { findInstanceId } from '../find-instance.js';
import { wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails, instanceTable } from '../view/instance.js';
import { operatorCallText } from '../view/operator-call.js';
import { addDoctor } from './doctor.js';
import { addDestroy } from './destroy.js';
import { addInstanceVerbs } from './instance-verbs.js';
import { addSpawn } from './spawn.js';

interface ListOptions {
  state?: InstanceState;
  all?: boolean;
  limit?: number;
}

export function addInstances(program: Command, io: CliIo): void {
  const instances = program
    .command('instances')
    .alias('instance')
    .description('What spawn made: list, show, and every verb');
  instances
    .command('list')
    .alias('ls')
    .description('List instances that are not deleted')
    .addOption(new Option('--state <state>', 'only those in this state').choices(instanceStates))
    .option('-a, --all', 'deleted ones too')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .action(withSession(io, list));
  instances
    .command('show')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .description('Show everything about one instance')
    .action(withSession(io, show));
  addSpawn(instances, io);
  addDestroy(instances, io);
  addInstanceVerbs(instances, io);
  addDoctor(instances, io);
}

async function list({ client, output, io }: Session, { state, all, limit }: ListOptions): Promise<void> {
  const deleted = all || state ? undefined : false;
  const shown = await collect(client.listInstances({ state, deleted, limit }));
  output.result(shown, (palette) => instanceTable(shown, palette, io.now()));
}

async function show({ client, output, io }: Session, given: string): Promise<void> {
  const instance = await client.instance(await findInstanceId(client, given));
  output.result(instance, (palette) => {
    const details = instanceDetails(instance, palette, io.now());
    const call = operatorCallText(instance);
    return call === null ? details : `${details}\n\n${call}`;
  });
}
