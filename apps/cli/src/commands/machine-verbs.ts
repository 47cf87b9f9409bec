import type { AdoptRequest, MachineView } from '#contract';
import type { PowerOrderVerb } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { wholeNumber } from '../option-values.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { machineDetails } from '../view/machine.js';

type Asked = 'retry' | 'abort' | PowerOrderVerb | 'unlock';

const plain: Record<Asked, string> = {
  retry: 'Try the failed work on a machine again, from the stage that failed',
  abort: 'End the work under way; it has then failed, and the machine is left as it stands',
  start: 'Switch on a machine with an instance',
  stop: 'Shut the OS of a machine down, and cut the power when it does not obey',
  reboot: 'Shut the OS of a machine down, see it off, switch it on',
  power_cycle: 'Cut the power of a machine with an instance, see it off, switch it on',
  unlock: 'End the protection of a machine',
};

const adoptHelp = `
Nothing is done to the machine: it belongs to its owner from now on, as it is.

Example:
  dodai machines adopt rack1-03 --host-name db1 --cluster blue --vlan-id 12`;

export function addMachineVerbs(machines: Command, io: CliIo): void {
  const command = (name: string, description: string) =>
    machines.command(name).argument('<machine>', 'id or name').description(description);
  for (const [verb, description] of Object.entries(plain) as [Asked, string][]) {
    const asked = command(verb.replaceAll('_', '-'), description);
    if (verb === 'stop') asked.option('--hard', 'cut the power at once; the OS is not asked');
    asked.action(
      withSession(io, (session, name: string, body: object) =>
        tell(session, session.client.askMachine(name, verb, body)),
      ),
    );
  }
  command('lock', 'Protect a machine from every verb that ends or interrupts what runs on it')
    .requiredOption('--reason <text>', 'why, for whoever finds it')
    .action(
      withSession(io, (session, name: string, body: object) =>
        tell(session, session.client.askMachine(name, 'lock', body)),
      ),
    );
  command('maintenance', 'Put a machine into maintenance: it is given to no new owner')
    .requiredOption('--reason <text>', 'why, for whoever finds it')
    .addHelpText(
      'after',
      '\nExample:\n  dodai machines maintenance rack1-03 --reason "the fan is being changed"',
    )
    .action(
      withSession(io, (session, name: string, { reason }: { reason: string }) =>
        tell(session, session.client.maintain(name, reason)),
      ),
    );
  command('end-maintenance', 'End the maintenance of a machine').action(
    withSession(io, (session, name: string) => tell(session, session.client.maintain(name, null))),
  );
  command('adopt', 'Take a machine that already runs something into service, as an instance')
    .requiredOption('--host-name <name>', 'host name of the OS that runs on it')
    .option('--image <image>', 'image that it is taken to run, by id or name')
    .option('--cluster <name>', 'cluster it belongs to')
    .option('--vlan-id <id>', 'VLAN', wholeNumber)
    .addHelpText('after', adoptHelp)
    .action(withSession(io, adopt));
}

async function tell({ output, io }: Session, asked: Promise<MachineView>): Promise<void> {
  const machine = await asked;
  output.result(machine, (palette) => machineDetails(machine, palette, io.now()));
}

async function adopt({ client, output, io }: Session, name: string, wanted: AdoptRequest): Promise<void> {
  const instance = await client.adopt(name, wanted);
  output.result(instance, (palette) => instanceDetails(instance, palette, io.now()));
}
