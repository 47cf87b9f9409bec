import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddedPostgres, ExecaProcessRunner, Secret } from '#platform';
import pg from 'pg';

export interface TestPostgres {
  /** A new, empty database. */
  database(): Promise<Secret>;
  stop(): Promise<void>;
}

/** The product's own embedded PostgreSQL in a folder of its own. */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dodai-postgres-'));
  const { server, url } = await EmbeddedPostgres.start(new ExecaProcessRunner(), directory);
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
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
