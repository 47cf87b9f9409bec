import { type PowerVerb, powerVerbs } from '#contract';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { type Session, withSession } from '../session.js';
import { powerText } from '../view/machine.js';

const meanings: Record<PowerVerb, string> = {
  on: 'Switch a machine on',
  off: 'Cut the power at once; the OS is not asked',
  soft: 'Ask the OS to shut down',
  reset: 'Restart at once; the OS is not asked',
  cycle: 'Cut the power, then switch on again',
};

export function addPower(program: Command, io: CliIo): void {
  const power = program.command('power').description('Switch machines on and off through their BMCs');
  for (const verb of powerVerbs) {
    power
      .command(verb)
      .argument('<machine>', 'id or name')
      .description(meanings[verb])
      .action(withSession(io, (session, name: string) => ask(session, verb, name)));
  }
  power
    .command('status')
    .argument('<machine>', 'id or name')
    .description('Tell the power state and how long ago the BMC said so')
    .action(withSession(io, status));
}

type PowerDocument = Awaited<ReturnType<Session['client']['machine']>>;

function tell({ output, io }: Session, machine: PowerDocument): void {
  output.result(
    { machine: machine.name, ...machine.power },
    (palette) => `${machine.name}: ${powerText(machine, palette, io.now())}`,
  );
}

async function ask(session: Session, verb: PowerVerb, name: string): Promise<void> {
  tell(session, await session.client.power(name, verb));
}

async function status(session: Session, name: string): Promise<void> {
  tell(session, await session.client.machine(name));
}
