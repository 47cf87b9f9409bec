import { Argument, type Command } from 'commander';
import type { CliIo } from '../cli-io.js';
import { namesFromController, suggest } from '../completion.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const help = `
Put one of these where your shell reads it at its start:
  bash   source <(dodai completion bash)            in ~/.bashrc
  zsh    source <(dodai completion zsh)             in ~/.zshrc, after compinit
  fish   dodai completion fish > ~/.config/fish/completions/dodai.fish

Names of machines, images and instances are asked from the controller that DODAI_URL and the token file name.`;

export function addCompletion(program: Command, io: CliIo): void {
  program
    .command('completion')
    .description('Print the script that lets your shell complete this command')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', help)
    .action(async (shell: Shell) => {
      const { getCompletionScript } = await import('@pnpm/tabtab');
      io.stdout.write(await getCompletionScript({ name: 'dodai', completer: 'dodai', shell }));
    });
  program
    .command('completion-server', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async () => answer(program, io));
}

/** The words up to the cursor, beginning with this command: `sudo dodai mach` is `dodai`, `mach`. */
function wordsOf(line: string): string[] {
  const words = line.trimStart().split(/\s+/);
  return words.slice(words.findIndex((word) => /(^|\/)dodai$/.test(word)) + 1);
}

async function answer(program: Command, io: CliIo): Promise<void> {
  const tabtab = await import('@pnpm/tabtab');
  const print = (line: string) => io.stdout.write(`${line}\n`);
  const found = await suggest(program, wordsOf(tabtab.parseEnv(io.env).partial), namesFromController(io));
  if (found === 'files') print('__tabtab_complete_files__');
  else tabtab.log(found, tabtab.getShellFromEnv(io.env), print);
}
