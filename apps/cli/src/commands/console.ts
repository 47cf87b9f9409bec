import type { EventView } from '#contract';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';

interface ConsoleOptions {
  instance?: string;
  follow?: boolean;
}

const help = `
It is captured while the machine is installed, handed over or wiped, through its BMC (serial over LAN).

Examples:
  dodai console rack1-03
  dodai console rack1-03 --follow`;

export function addConsole(program: Command, io: CliIo): void {
  program
    .command('console')
    .argument('<machine>', 'id or name')
    .description('Show what the serial console of a machine said during its latest work')
    .option('-i, --instance <instance>', 'all that was captured while this instance was on it')
    .option('-f, --follow', 'go on with what it says now, until Ctrl-C')
    .addHelpText('after', help)
    .action(withSession(io, show));
}

async function show(session: Session, name: string, { instance, follow }: ConsoleOptions): Promise<void> {
  const { client, output, io } = session;
  const machine = await client.machine(name);
  const instanceId = instance === undefined ? undefined : await findInstanceId(client, instance);
  const { text, lastEventId } = await client.console(machine.id, instanceId);
  if (!follow) {
    output.result({ machine: machine.name, text }, () => text);
    if (text === '') output.note(await reasonOf(session, machine.id));
    return;
  }
  if (!output.json) io.stdout.write(text);
  const scope = { machineId: machine.id, kind: 'console.', after: lastEventId, signal: io.signal };
  for await (const event of client.followEvents(scope)) tell(session, event);
}

function tell({ output, io }: Session, event: EventView): void {
  const { kind, data, message } = event;
  if (output.json) output.item(event, () => '');
  else if (kind === 'console.output') io.stdout.write(String(data.text));
  else output.note(message);
}

/** Why there is nothing: the last thing that the timeline has to say of the console. */
async function reasonOf({ client }: Session, machineId: string): Promise<string> {
  const [last] = await client.latestEvents({ machineId, kind: 'console.', limit: 1 });
  return (
    last?.message ?? 'Nothing was captured: that begins when the machine is installed, handed over or wiped.'
  );
}
