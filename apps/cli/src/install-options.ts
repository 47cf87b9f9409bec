import { answerFormats, completions, DomainError, type ImageInstall, installMethods } from '#core';
import { imageInstall, type ImagePatch } from '#contract';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { readInput } from './input-files.js';

/** How an image is installed, as options have it: files are still names of files. */
export interface InstallOptions {
  /** null: as is usual for its kind. */
  installMethod?: ImageInstall['method'] | null;
  kernel?: string;
  initrd?: string;
  kernelArguments?: string;
  answerFile?: string;
  answerFormat?: string;
  instructions?: string;
  netboot?: string;
  power?: string;
  completion?: string;
}

export const installHelp = `
Installed by netinstall (the installer of a distribution) or live (it runs in memory), an image is a tarball or an ISO
with a kernel and an initial RAM disk inside. --kernel-arguments is a template: {{ treeUrl }} is where its files are
served, {{ answerFileUrl }} the answer file, {{ metadataUrl }} the metadata service.

Examples:
  dodai images set debian-12-disk --install-method iscsi
  dodai images set debian-netboot --install-method netinstall --kernel debian-installer/amd64/linux \\
    --initrd debian-installer/amd64/initrd.gz --answer-format preseed
  dodai images set rescue --install-method live --kernel live/vmlinuz --initrd live/initrd.img \\
    --kernel-arguments 'boot=live fetch={{ treeUrl }}/live/filesystem.squashfs'
  dodai images set appliance --install-method manual --instructions how-to.txt --power on`;

const none = 'none';

export function withInstallOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--install-method <method>', 'how it is installed; none: as is usual for its kind').choices([
        ...installMethods,
        none,
      ]),
    )
    .option('--kernel <path>', 'netinstall, live: kernel, inside the image')
    .option('--initrd <path>', 'netinstall, live: initial RAM disk, inside the image')
    .option('--kernel-arguments <words>', 'netinstall, live: arguments of that kernel')
    .addOption(
      new Option('--answer-format <format>', 'netinstall: of which installer the answer file is').choices(
        answerFormats,
      ),
    )
    .option(
      '--answer-file <file-or-url>',
      'netinstall: the answer file, or where it is each time (default: that of dodai)',
    )
    .option('--instructions <file>', 'manual: what the person is to do')
    .addOption(
      new Option('--netboot <what>', 'manual: what the machine boots from the network meanwhile').choices([
        'local',
        'live_image',
      ]),
    )
    .addOption(
      new Option('--power <state>', 'manual: how the machine is when the person is called').choices([
        'on',
        'off',
      ]),
    )
    .addOption(
      new Option('--completion <how>', 'live, manual: how it is known that the OS is up').choices(
        completions,
      ),
    );
}

/** Undefined: nothing was said of it. Throws DomainError `invalid-request` for what does not belong together. */
export async function installOf(options: InstallOptions): Promise<ImagePatch['install'] | undefined> {
  const { installMethod, answerFile, answerFormat, instructions, ...same } = options;
  const said = Object.values(options).some((value) => value !== undefined);
  if (!said) return undefined;
  if (installMethod === undefined)
    throw refused('--install-method is missing: the other options say more of it.');
  if ((installMethod as string) === none) return null;
  const result = imageInstall.safeParse({
    method: installMethod,
    ...same,
    ...((answerFormat !== undefined || answerFile !== undefined) && {
      answerFile: { format: answerFormat, ...(await sourceOf(answerFile)) },
    }),
    ...(instructions !== undefined && { instructions: await readInput(instructions) }),
  });
  if (result.success) return result.data;
  throw refused(`${installMethod}: ${result.error.issues.map(inWords).join('; ')}.`);
}

async function sourceOf(given: string | undefined): Promise<{ url: string } | { text: string | null }> {
  if (given === undefined) return { text: null };
  return /^https?:\/\//.test(given) ? { url: given } : { text: await readInput(given) };
}

function inWords({ path, message, ...issue }: z.core.$ZodIssue): string {
  const keys = 'keys' in issue ? (issue.keys as string[]) : [];
  return `${[...path, ...keys].map(optionOf).join(' ')} ${keys.length > 0 ? 'does not belong to it' : message}`;
}

const optionOf = (field: PropertyKey) =>
  `--${String(field).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function refused(message: string): DomainError {
  return new DomainError('invalid-request', message, { remedy: 'See dodai images set --help.' });
}
