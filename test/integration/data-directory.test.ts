import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataDirectory, EmbeddedPostgres, ExecaProcessRunner } from '#platform';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'dodai-data-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a data directory', () => {
  it('has one owner at a time, who is named to the second', async () => {
    const first = await DataDirectory.acquire(directory);
    await expect(DataDirectory.acquire(directory)).rejects.toMatchObject({
      code: 'data-directory-in-use',
      context: { holder: process.pid },
    });
    await first.release();
    await (await DataDirectory.acquire(directory)).release();
  });

  it('is taken over from an owner that was killed', async () => {
    await writeFile(path.join(directory, 'controller.lock'), '1 12345\n');
    await (await DataDirectory.acquire(directory)).release();
  });

  it('keeps a secret across restarts in a file that only its owner reads', async () => {
    const owner = await DataDirectory.acquire(directory);
    const secret = await owner.secret('key');
    expect(secret).toHaveLength(32);
    expect(await owner.secret('key')).toEqual(secret);
    expect((await stat(path.join(directory, 'key'))).mode & 0o777).toBe(0o600);
  });
});

describe('the embedded PostgreSQL', () => {
  it('keeps its data, and takes over from one that a killed controller left running', async () => {
    const ask = async (url: string, sql: string) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query<{ word: string }>(sql);
      await client.end();
      return rows;
    };
    const runner = new ExecaProcessRunner();
    const left = await EmbeddedPostgres.start(runner, directory);
    await ask(left.url.reveal(), `CREATE TABLE kept AS SELECT 'word' AS word`);
    const next = await EmbeddedPostgres.start(runner, directory);
    expect(await ask(next.url.reveal(), 'SELECT word FROM kept')).toEqual([{ word: 'word' }]);
    await expect(ask(left.url.reveal(), 'SELECT 1')).rejects.toThrow();
    await next.server.stop();
  });
});
