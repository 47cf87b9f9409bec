import { on } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, Secret } from '#platform';
import { execa } from 'execa';

export interface TestRedis {
  url: Secret;
  /** It forgets everything. */
  empty(): Promise<void>;
  /** Kills it and starts another at the same place, which knows nothing. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A real Redis on loopback that keeps nothing; it ends with this process at the latest. */
export async function startRedis(): Promise<TestRedis> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dodai-redis-'));
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  let { server } = await launch(options);
  return {
    url: new Secret(`redis://127.0.0.1:${port}`),
    async empty() {
      await execa('redis-cli', ['-p', `${port}`, 'FLUSHALL']);
    },
    async restart() {
      server.kill('SIGKILL');
      await server;
      ({ server } = await launch(options));
    },
    async stop() {
      server.kill();
      await server;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

type Server = ReturnType<typeof run>;

const run = (options: string[]) =>
  execa('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...options], { reject: false });

/** In a box, for a process is a promise too. */
async function launch(options: string[]): Promise<{ server: Server }> {
  const server = run(options);
  for await (const [chunk] of on(server.stdout, 'data'))
    if (String(chunk).includes('Ready to accept connections')) break;
  return { server };
}
