import type { EventView } from '#contract';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import type { EventFilter } from '../event-stream.js';
import { findInstanceId } from '../find-instance.js';
import { MachineNames } from '../machine-names.js';
import { timeOrAge, wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { eventLine } from '../view/event.js';

interface EventsOptions {
  machine?: string;
  instance?: string;
  kind?: string;
  since?: string;
  follow?: boolean;
  after?: string;
  limit: number;
}

const help = `
Examples:
  dodai events --machine rack1-03
  dodai events --kind state.changed,bmc. --since 2h
  dodai events --follow --json --kind state.changed | jq -c .data`;

export function addEvents(program: Command, io: CliIo): void {
  program
    .command('events')
    .description('The timeline: everything that happened, and with --follow what happens now')
    .option('-m, --machine <machine>', 'only this machine, by id or name')
    .option('-i, --instance <instance>', 'only this instance, by id or host name')
    .option('-k, --kind <kinds>', 'only these kinds, comma-separated; bmc. stands for all below it')
    .option(
      '-s, --since <time>',
      'only since this time (ISO 8601), or so long ago: 90s, 30m, 2h, 7d',
      timeOrAge(() => io.now()),
    )
    .option('-f, --follow', 'go on until Ctrl-C; a lost connection is resumed without a gap')
    .option('--after <id>', 'only events later than this one')
    .option('-n, --limit <n>', 'the last so many of those that already happened', wholeNumber, 100)
    .addHelpText('after', help)
    .action(withSession(io, tell));
}

async function filterOf(
  { client }: Session,
  { machine, instance, kind, since }: EventsOptions,
): Promise<EventFilter> {
  return {
    kind,
    since,
    ...(machine !== undefined && { machineId: (await client.machine(machine)).id }),
    ...(instance !== undefined && { instanceId: await findInstanceId(client, instance) }),
  };
}

async function tell(session: Session, options: EventsOptions): Promise<void> {
  const { client, output, io } = session;
  const { follow, after, limit } = options;
  const filter = await filterOf(session, options);
  const happened = await client.latestEvents({
    ...filter,
    after,
    limit: follow ? Math.max(limit, 1) : limit,
  });
  const kept = limit === 0 ? [] : happened;
  const lastId = happened.at(-1)?.id ?? after ?? '0'; // to follow without a gap, also when none is shown
  const names = new MachineNames(client);
  const print = async (event: EventView) => {
    const name = output.json ? '' : await names.of(event.machineId);
    output.item(event, (palette) => eventLine(event, palette, name));
  };
  if (!follow && output.json) return output.result(kept, () => '');
  for (const event of kept) await print(event);
  if (!follow) return;
  const onConnection = (state: 'lost' | 'resumed') =>
    output.note(state === 'lost' ? 'The controller does not answer; trying again …' : 'Connected again.');
  const following = client.followEvents({ ...filter, after: lastId, signal: io.signal, onConnection });
  for await (const event of following) await print(event);
}
