import { DomainError } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { doctorText } from '../view/doctor.js';

const help = `
The OS tells of itself when it first comes up as its owner's. The exit code is 1 when something differs.

Example:
  dodai instance doctor db1`;

export function addDoctor(instances: Command, io: CliIo): void {
  instances
    .command('doctor')
    .argument('<instance>', 'id, first digits of the id, or host name')
    .description('Compare what its OS says of itself with what was asked for')
    .addHelpText('after', help)
    .action(withSession(io, examine));
}

async function examine({ client, output, io }: Session, given: string): Promise<void> {
  const seen = await client.doctor(await findInstanceId(client, given));
  output.result(seen, (palette) => doctorText(seen, palette, io.now()));
  const differing = seen.checks.filter(({ verdict }) => verdict === 'differs').map(({ field }) => field);
  if (differing.length === 0) return;
  throw new DomainError('instance-differs', `${given} is not what was asked for: ${differing.join(', ')}.`, {
    remedy: 'Look at its serial console and at /var/log/cloud-init.log in the OS; rebuild installs it anew.',
  });
}
