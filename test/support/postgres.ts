import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddedPostgres, ExecaProcessRunner, Secret } from '#platform';
import pg from 'pg';

export interface TestPostgres {
  /** A new, empty database. */
  database(): Promise<Secret>;
  /** Where it listens; another port after each start. */
  port(): number;
  /** `fast` ends the sessions and shuts down; `immediate` is a crash: nothing is written any more. */
  halt(mode: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again with what it has. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** The product's own embedded PostgreSQL in this folder, or in one of its own. */
export async function startPostgres(given?: string): Promise<TestPostgres> {
  const directory = given ?? (await mkdtemp(path.join(tmpdir(), 'dodai-postgres-')));
  let { server, url } = await EmbeddedPostgres.start(new ExecaProcessRunner(), directory);
  let made = 0;
  return {
    async database() {
      const name = `test_${++made}`;
      const client = new pg.Client({ connectionString: url.reveal() });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return new Secret(url.reveal().replace(/\/postgres$/, `/${name}`));
    },
    port: () => Number(new URL(url.reveal()).port),
    async halt(mode) {
      if (mode === 'immediate') process.kill(await postmasterOf(directory), 'SIGQUIT');
      else await server.stop();
    },
    async startAgain() {
      ({ server, url } = await EmbeddedPostgres.start(new ExecaProcessRunner(), directory));
    },
    async stop() {
      await server.stop();
      if (given === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The process of the embedded PostgreSQL below this data directory. Throws when there is none. */
export async function postmasterOf(dataDir: string): Promise<number> {
  const file = path.join(dataDir, 'postgres', 'data', 'postmaster.pid');
  return Number((await readFile(file, 'utf8')).split('\n')[0]);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
