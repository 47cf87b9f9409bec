import { on, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Secret } from '#platform';
import { execa } from 'execa';

export interface TestRedis {
  url: Secret;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
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
