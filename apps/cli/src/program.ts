import { Command, CommanderError, Option } from 'commander';
import type { CliIo } from './cli-io.js';
import { addCompletion } from './commands/completion.js';
import { addConsole } from './commands/console.js';
import { addDefaults } from './commands/defaults.js';
import { addDestroy } from './commands/destroy.js';
import { addEvents } from './commands/events.js';
import { addImages } from './commands/images.js';
import { addInstanceTypes } from './commands/instance-types.js';
import { addInstanceVerbs } from './commands/instance-verbs.js';
import { addInstances } from './commands/instances.js';
import { addMachines } from './commands/machines.js';
import { addPower } from './commands/power.js';
import { addRender } from './commands/render.js';
import { addSpawn } from './commands/spawn.js';
import { addUserDataItems } from './commands/user-data-items.js';
import { addWatch } from './commands/watch.js';
import { addWhy } from './commands/why.js';
import { defaultTokenFile, defaultUrl } from './connection.js';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.js';
import { errorDocument, errorReport } from './view/error-report.js';
import { Palette, wantsColor } from './view/palette.js';

const examples = `
Examples:
  dodai instance-types add standard --vcpus 8 --memory-mb 32768 --local-gb 480
  dodai machines add rack1-03 --instance-type standard --pxe-mac 52:54:00:12:34:56 \\
    --bmc-host 10.77.0.103 --bmc-user admin --bmc-password-file ./bmc-password
  dodai spawn db1 --image debian-12 --instance-type standard --ssh-key ~/.ssh/id_ed25519.pub --wait
  dodai rebuild db1 --image debian-13 --wait
  dodai machines maintenance rack1-03 --reason "the fan is being changed"
  dodai why rack1-03
  dodai events --machine rack1-03 --follow
  dodai machines list --json | jq -r '.[] | select(.state == "inactive") | .name'`;

function globalOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--url <url>', `address of the controller (env: DODAI_URL; default: ${defaultUrl})`),
    )
    .addOption(
      new Option('--token <token>', 'API token; other users of this host can see it (env: DODAI_TOKEN)'),
    )
    .addOption(
      new Option('--token-file <file>', `file with it (env: DODAI_TOKEN_FILE; default: ${defaultTokenFile})`),
    )
    .option('--json', 'print JSON; JSON lines for what follows the events')
    .option('--no-color', 'print without colours (env: NO_COLOR)');
}

export function buildProgram(io: CliIo, version: string): Command {
  const program = globalOptions(new Command('dodai'))
    .description('Operate a dodai controller: machines, images, instances, power, events')
    .version(version, '--version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(add --help for the options and examples)')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.stdout.columns ?? 100, 110) })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .addHelpText('after', `${examples}\n${exitCodeHelp}`);
  for (const add of [
    addMachines,
    addPower,
    addImages,
    addInstanceTypes,
    addDefaults,
    addUserDataItems,
    addInstances,
    addSpawn,
    addDestroy,
    addInstanceVerbs,
  ]) {
    add(program, io);
  }
  for (const add of [addRender, addWatch, addWhy, addEvents, addConsole, addCompletion]) add(program, io);
  return program;
}

/** Runs one command line (without `node` and the script) and answers the exit code. Never throws. */
export async function run(args: string[], io: CliIo, version: string): Promise<number> {
  try {
    await buildProgram(io, version).parseAsync(args, { from: 'user' });
    return io.signal.aborted ? exitCodes.interrupted : exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (io.signal.aborted) return exitCodes.interrupted;
    report(error, args, io);
    return exitCodeOf(error);
  }
}

/** The options may be what is at fault, so this reads only whether JSON and colours are wanted. */
function report(error: unknown, args: string[], io: CliIo): void {
  const wanted = !args.includes('--no-color');
  const palette = new Palette(wantsColor({ isTTY: io.stderr.isTTY ?? false, wanted, env: io.env }));
  const text = args.includes('--json') ? JSON.stringify(errorDocument(error)) : errorReport(error, palette);
  io.stderr.write(`${text}\n`);
}
