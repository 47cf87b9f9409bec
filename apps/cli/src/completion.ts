import { type Command, type Option } from 'commander';
import { connectionOf } from './connection.js';
import { DodaiClient } from './client.js';
import { collect } from './collect.js';
import type { CliIo } from './cli-io.js';

interface Suggestion {
  name: string;
  description?: string;
}

/** What can stand at the cursor; `files` leaves it to the shell. */
export type Suggestions = Suggestion[] | 'files';

/** Names that the controller knows, by the kind that arguments and options are called after. */
export type NamesOf = (kind: string) => Promise<Suggestion[]>;

const fileNames = ['file', 'token-file', 'bmc-password-file', 'ssh-key', 'user-data'];

/** Reads the words before the cursor along the tree of commands; the last word is the one being typed. */
export async function suggest(program: Command, words: string[], namesOf: NamesOf): Promise<Suggestions> {
  const typed = words.at(-1) ?? '';
  const { command, argumentsGiven, awaited } = walk(program, words.slice(0, -1));
  if (awaited)
    return awaited.argChoices?.map((name) => ({ name })) ?? (await valuesFor(awaited.name(), namesOf));
  if (typed.startsWith('-')) return optionsOf(command);
  const subcommands = subcommandsOf(command);
  if (subcommands.length > 0) return subcommands;
  const argument = command.registeredArguments[argumentsGiven];
  return argument ? await valuesFor(argument.name(), namesOf) : [];
}

/** The command that was named, how many arguments it has already, and the option that waits for its value. */
function walk(program: Command, words: string[]) {
  let command = program;
  let argumentsGiven = 0;
  let awaited: Option | undefined;
  for (const word of words) {
    if (awaited) awaited = undefined;
    else if (word.startsWith('-')) awaited = optionNamed(command, word);
    else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      command = next ?? command;
      argumentsGiven += next ? 0 : 1;
    }
  }
  return { command, argumentsGiven, awaited };
}

const lineage = (command: Command): Command[] =>
  command.parent ? [command, ...lineage(command.parent)] : [command];

/** Of those only an option that takes a value, which then comes as the next word. */
function optionNamed(command: Command, word: string): Option | undefined {
  const options = lineage(command).flatMap(({ options: own }) => own);
  return options.find((option) => (option.long === word || option.short === word) && option.required);
}

function optionsOf(command: Command): Suggestion[] {
  const options = lineage(command).flatMap(({ options: own }) => own);
  return options.map(({ long, short, description }) => ({ name: long ?? short ?? '', description }));
}

function subcommandsOf(command: Command): Suggestion[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ name: one.name(), description: one.description() }));
}

async function valuesFor(kind: string, namesOf: NamesOf): Promise<Suggestions> {
  return fileNames.includes(kind) ? 'files' : await namesOf(kind);
}

/** Asks the controller; when it does not answer there is nothing to suggest. */
export function namesFromController(io: CliIo): NamesOf {
  return async (kind) => {
    try {
      const client = new DodaiClient({ ...connectionOf({}, io.env), sleep: io.sleep, signal: io.signal });
      return await listed(client, kind);
    } catch {
      return [];
    }
  };
}

async function listed(client: DodaiClient, kind: string): Promise<Suggestion[]> {
  if (kind === 'machine') {
    const machines = await collect(client.listMachines());
    return machines.map(({ name, state }) => ({ name, description: state }));
  }
  if (kind === 'image') return (await collect(client.listImages())).map(({ name }) => ({ name }));
  if (kind === 'instance-type')
    return (await collect(client.listInstanceTypes())).map(({ name }) => ({ name }));
  if (kind !== 'instance') return [];
  const instances = await collect(client.listInstances({ deleted: false }));
  return instances.map(({ id, hostName, state }) => ({ name: id, description: `${hostName}, ${state}` }));
}
