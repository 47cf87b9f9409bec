import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmbeddedPostgres, ExecaProcessRunner } from '#platform';
import pg from 'pg';
import { isAlive, postmasterOf } from '../support/postgres.js';

let dataDir: string;
let server: EmbeddedPostgres;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dodai-postgres-'));
});
afterEach(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const started = await EmbeddedPostgres.start(new ExecaProcessRunner(), dataDir);
  server = started.server;
  return started.url.reveal();
}

async function answer(url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ answer: number }>('SELECT 42 AS answer');
  await client.end();
  return rows[0]?.answer;
}

it('starts where one was killed and left its pid file behind, as after a loss of power', async () => {
  await start();
  const postmaster = await postmasterOf(dataDir);
  process.kill(postmaster, 'SIGKILL');
  await expect.poll(() => isAlive(postmaster), { timeout: 30_000 }).toBe(false);
  expect(await answer(await start())).toBe(42);
});

it('ends the server that a killed controller left running, and starts its own', async () => {
  const first = await start();
  const left = await postmasterOf(dataDir);
  const second = await start();
  await expect.poll(() => isAlive(left), { timeout: 30_000 }).toBe(false); // until init has collected it
  expect(await answer(second)).toBe(42);
  await expect(answer(first)).rejects.toThrow('ECONNREFUSED');
});

it('does nothing when it is stopped and was not running', async () => {
  await start();
  await server.stop();
  await server.stop();
});
