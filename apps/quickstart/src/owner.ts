import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { Rack } from '../../lab/src/index.js';

/** Who an instance is for: a key pair of their own, and a terminal on the machines' network. */
export class Owner {
  private constructor(
    private readonly keyFile: string,
    readonly publicKey: string,
  ) {}

  /** The owner whose key is in the folder; a fresh key when there is none. */
  static async in(dir: string): Promise<Owner> {
    const keyFile = path.join(dir, 'id_ed25519');
    if (!existsSync(keyFile)) {
      await mkdir(dir, { recursive: true });
      await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'owner', '-f', keyFile]);
    }
    return new Owner(keyFile, (await readFile(`${keyFile}.pub`, 'utf8')).trim());
  }

  /** The command that logs in, as it can be typed on this host. */
  sshCommand(rack: Rack, user: string, address: string): string[] {
    const options = [
      'BatchMode=yes',
      'ConnectTimeout=20',
      'LogLevel=ERROR',
      // machines are installed anew all the time, each with host keys of its own
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
    ];
    return [
      ...rack.execCommandPrefix,
      'ssh',
      ...options.flatMap((option) => ['-o', option]),
      ...['-i', this.keyFile, `${user}@${address}`],
    ];
  }

  /** Runs a command line on the machine and gives what it printed; throws when it cannot log in. */
  async run(rack: Rack, user: string, address: string, commandLine: string): Promise<string> {
    const [file = '', ...args] = this.sshCommand(rack, user, address);
    const { stdout } = await execa(file, [...args, commandLine], { timeout: 120_000, stdin: 'ignore' });
    return stdout;
  }
}
