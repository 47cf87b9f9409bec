import type { InstanceView } from '#contract';
import type { InstanceVerb } from '#core';
import type { Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { confirm } from '../confirm.js';
import { findInstanceId } from '../find-instance.js';
import { type Session, withSession } from '../session.js';
import { instanceDetails } from '../view/instance.js';
import { waitForInstance, waitForPower } from '../wait-for-instance.js';
import { notWipedNote } from './not-wiped-note.js';

type Asked = Exclude<InstanceVerb, 'destroy'>;

interface VerbCommand {
  /** Its word on the command line, when that is another. */
  word?: string;
  description: string;
  /** Flags and descriptions; they are the body of the request. */
  options?: [flags: string, description: string][];
  /** Options that must be there. */
  needed?: [flags: string, description: string][];
  /** What `--wait` waits for: the end of a work, which is watched, or a state of the power. */
  wait?: 'work' | 'active' | 'stopped';
  /** Asked before what cannot be undone. */
  question?: (instance: InstanceView) => string;
  example: string;
}

const on = ({ hostName, id, machine }: InstanceView) =>
  `${hostName} (${id})${machine ? ` on ${machine.name}` : ''}`;

const commands: Record<Asked, VerbCommand> = {
  rebuild: {
    description: 'Install an instance anew, from its own image or another; what is on its disk is lost',
    options: [['--image <image>', 'another image, by id or name (default: its own)']],
    wait: 'work',
    question: (instance) => `Rebuild ${on(instance)}, and lose what is on its disk?`,
    example: 'dodai rebuild db1 --image debian-13 --wait',
  },
  retry: {
    description: 'Try the failed work of an instance again, from the stage that failed',
    wait: 'work',
    example: 'dodai retry db1 --wait',
  },
  abort: {
    description: 'End the work under way; it has then failed, and the machine is left as it stands',
    example: 'dodai abort db1',
  },
  manual_done: {
    word: 'done',
    description:
      'Say that you have installed the machine you were called to; its OS is then started, and looked for',
    wait: 'work',
    example: 'dodai done db1 --wait',
  },
  manual_failed: {
    word: 'failed',
    description: 'Say that you could not install the machine you were called to',
    needed: [['--reason <text>', 'why, for whoever finds it']],
    example: 'dodai failed db1 --reason "the second power supply is dead"',
  },
  start: {
    description: 'Switch the machine of an instance on',
    wait: 'active',
    example: 'dodai start db1 --wait',
  },
  stop: {
    description: 'Shut an instance down, and cut the power when its OS does not obey',
    options: [['--hard', 'cut the power at once; the OS is not asked']],
    wait: 'stopped',
    example: 'dodai stop db1 --wait',
  },
  reboot: {
    description: 'Shut an instance down, see its machine off, switch it on',
    wait: 'active',
    example: 'dodai reboot db1 --wait',
  },
  power_cycle: {
    description: 'Cut the power of an instance, see its machine off, switch it on',
    wait: 'active',
    example: 'dodai power-cycle db1 --wait',
  },
  force_destroy: {
    description: 'Give an instance up at once, whatever its BMC does; its machine is not wiped',
    question: (instance) => `Give up ${on(instance)}, without wiping the machine?`,
    example: 'dodai force-destroy db1',
  },
  lock: {
    description: 'Protect an instance from every verb that ends or interrupts what runs on it',
    needed: [['--reason <text>', 'why, for whoever finds it']],
    example: 'dodai lock db1 --reason "the audit runs until Friday"',
  },
  unlock: { description: 'End the protection of an instance', example: 'dodai unlock db1' },
};

const waitHelp = {
  work: 'watch until it is done',
  active: 'wait until it is on',
  stopped: 'wait until it is off',
} as const;

export function addInstanceVerbs(parent: Command, io: CliIo): void {
  for (const [verb, given] of Object.entries(commands) as [Asked, VerbCommand][]) {
    const {
      word = verb.replaceAll('_', '-'),
      description,
      options = [],
      needed = [],
      wait,
      question,
      example,
    } = given;
    const command = parent
      .command(word)
      .argument('<instance>', 'id, first digits of the id, or host name')
      .description(description);
    for (const [flags, text] of needed) command.requiredOption(flags, text);
    for (const [flags, text] of options) command.option(flags, text);
    if (wait) command.option('-w, --wait', waitHelp[wait]);
    if (question) command.option('-y, --yes', 'do not ask; on a terminal it asks first');
    command
      .addHelpText('after', `\nExample:\n  ${example}`)
      .action(withSession(io, (session, name: string, said: Said) => ask(session, verb, name, said)));
  }
}

type Said = { wait?: boolean; yes?: boolean } & Record<string, unknown>;

async function ask(session: Session, verb: Asked, given: string, said: Said): Promise<void> {
  const { client, output, io } = session;
  const { wait: waits, yes, ...body } = said;
  const { question, wait } = commands[verb];
  const id = await findInstanceId(client, given);
  const before = await client.instance(id);
  if (question) await confirm(session, { yes, question: question(before) });
  const instance = await client.askInstance(id, verb, body);
  if (waits && wait === 'work') return await waitForInstance(session, instance);
  const shown = waits && wait && wait !== 'work' ? await waitForPower(session, id, wait) : instance;
  output.result(shown, (palette) => instanceDetails(shown, palette, io.now()));
  if (wait === 'work') output.note(`Watch it: dodai watch ${id}`);
  if (verb === 'force_destroy') notWipedNote(output, before);
}
