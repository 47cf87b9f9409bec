import { on } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Secret } from '#platform';
import { execa } from 'execa';
import { freePort } from './free-port.js';

export interface TestRedis {
  url: Secret;
  stop(): Promise<void>;
}

/** A real Redis on loopback that keeps nothing; it ends with this process at the latest. */
export async function startRedis(): Promise<TestRedis> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dodai-redis-'));
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const server = execa('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...options], { reject: false });
  for await (const [chunk] of on(server.stdout, 'data'))
    if (String(chunk).includes('Ready to accept connections')) break;
  return {
    url: new Secret(`redis://127.0.0.1:${port}`),
    async stop() {
      server.kill();
      await server;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
