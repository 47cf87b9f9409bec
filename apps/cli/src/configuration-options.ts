import { existsSync } from 'node:fs';
import type { ConfigurationDefaultsInput } from '#contract';
import { DomainError } from '#core';
import type { Command } from 'commander';
import { readBytes, readInput, readYaml } from './input-files.js';
import { keyValue, repeated } from './option-values.js';

export interface ConfigurationOptions {
  configuration?: string;
  sshKey?: string[];
  passwordFile?: string;
  userData?: string;
  vendorData?: string;
  file?: string[];
  meta?: Record<string, string>;
  network?: string;
  configDrive?: boolean;
}

/** What makes an OS its owner's; for a spawn, and for defaults. */
export function withConfigurationOptions(command: Command): Command {
  return command
    .option('--ssh-key <file-or-key>', 'public key that may log in; may be repeated', repeated)
    .option('--password-file <file>', 'file with the password of the default user on its first line')
    .option('--user-data <file>', 'user data, passed on as it is: a script, #cloud-config, …')
    .option('--vendor-data <file>', 'YAML or JSON: a list of parts that come below the user data')
    .option('--file <path=file>', 'put this file there, or path:MODE=file; may be repeated', repeated)
    .option('--meta <key=value>', 'metadata of the instance; may be repeated', keyValue)
    .option('--network <file>', 'YAML or JSON: links, addresses and dns')
    .option('--config-drive', 'install it with a config drive')
    .option('--no-config-drive', 'without one: the OS asks the metadata service')
    .option('--configuration <file>', 'YAML or JSON with any of these fields, named as in the API');
}

/** With the fields that these options stand for in their place; what an option says goes before what the file of them all says. */
export async function configurationOf<Others extends object>(options: ConfigurationOptions & Others) {
  const {
    configuration,
    sshKey,
    passwordFile,
    userData,
    vendorData,
    file,
    meta,
    network,
    configDrive,
    ...others
  } = options;
  const fields: ConfigurationDefaultsInput = {
    ...(configuration !== undefined && (await readYaml<ConfigurationDefaultsInput>(configuration))),
    ...(sshKey && { sshKeys: (await Promise.all(sshKey.map(keysOf))).flat() }),
    ...(passwordFile !== undefined && { password: (await readInput(passwordFile)).split(/\r?\n/, 1)[0] }),
    ...(userData !== undefined && { userData: await userDataOf(userData) }),
    ...(vendorData !== undefined && { vendorData: await readYaml(vendorData) }),
    ...(file && { files: await Promise.all(file.map(fileOf)) }),
    ...(meta && { metadata: meta }),
    ...(network !== undefined && { network: await readYaml(network) }),
    ...(configDrive !== undefined && { configDrive }),
  };
  return { ...others, ...fields };
}

/** A file with one key on each line, or the key itself. */
async function keysOf(given: string): Promise<string[]> {
  if (/^(ssh-|ecdsa-|sk-)/.test(given) && !existsSync(given)) return [given];
  const lines = (await readInput(given)).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** Text as text, so that whoever reads the request sees it; what is packed, in base64. */
async function userDataOf(file: string): Promise<string | { base64: string }> {
  const bytes = await readBytes(file);
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') };
}

async function fileOf(given: string): Promise<{ path: string; base64: string; mode?: string }> {
  const [, path, mode, source] = /^(\/[^=]*?)(?::([0-7]{3,4}))?=(.+)$/.exec(given) ?? [];
  if (path === undefined || source === undefined)
    throw new DomainError(
      'invalid-request',
      `--file ${given} has not the form PATH=FILE or PATH:MODE=FILE.`,
      {
        remedy: 'For instance: --file /etc/motd:0644=./motd',
      },
    );
  const base64 = (await readBytes(source)).toString('base64');
  return { path, base64, ...(mode !== undefined && { mode }) };
}
