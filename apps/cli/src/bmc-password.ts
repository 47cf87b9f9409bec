import { text as readAll } from 'node:stream/consumers';
import type { CliIo } from './cli-io.js';
import { readInput } from './input-files.js';

export interface BmcPasswordOptions {
  bmcPasswordFile?: string;
  bmcPasswordStdin?: boolean;
}

export const bmcPasswordHelp = `
The BMC's password is never an argument, because arguments can be seen by every user of this host:
  --bmc-password-file FILE    the first line of a file
  --bmc-password-stdin        the first line of standard input
  DODAI_BMC_PASSWORD          an environment variable`;

const firstLine = (content: string) => content.split(/\r?\n/, 1)[0] ?? '';

/** Where it was given; undefined when it was not. */
export async function readBmcPassword(options: BmcPasswordOptions, io: CliIo): Promise<string | undefined> {
  if (options.bmcPasswordFile !== undefined) return firstLine(await readInput(options.bmcPasswordFile));
  if (options.bmcPasswordStdin) return firstLine(await readAll(io.stdin));
  return io.env.DODAI_BMC_PASSWORD || undefined;
}
