import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bufferContent, TftpServer, type TftpEvent } from '#netboot';
import { SystemClock } from '#platform';
import { LossyUdpProxy } from '../../support/lossy-udp-proxy.js';
import { tftpGet } from '../../support/tftp-client.js';
import { tftpPrograms } from '../../support/tftp-programs.js';

const host = '127.0.0.1';
const files: Record<string, Buffer> = { small: randomBytes(300), loader: randomBytes(100_000) };
let directory: string;
let port: number;
const events: TftpEvent[] = [];
const server = new TftpServer({
  host,
  port: 0,
  clock: new SystemClock(),
  maxTransfersPerClient: 1000,
  onEvent: (event) => events.push(event),
  handler: async ({ path }) => {
    const bytes = files[path];
    return bytes === undefined ? null : bufferContent(bytes);
  },
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-tftp-load-'));
  ({ port } = await server.start());
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

it.each(['small', 'loader'])('the TFTP server serves 500 clients at once: %s', async (path) => {
  events.length = 0;
  const got = await Promise.all(
    Array.from({ length: 500 }, () => tftpGet(path, { host, port, blockSize: 1408 })),
  );
  expect(got.filter(({ bytes }) => files[path]?.equals(bytes))).toHaveLength(500);
  await expect.poll(() => events.filter(({ kind }) => kind === 'completed').length).toBe(500);
  expect(events).toHaveLength(1000);
});

describe.each([1, 5])('under a loss of %i in 100', (percent) => {
  const proxies: LossyUdpProxy[] = [];
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())));

  async function lossyPort(seed: number): Promise<number> {
    const proxy = new LossyUdpProxy({ target: { host, port }, loss: percent / 100, seed });
    proxies.push(proxy);
    return (await proxy.start()).port;
  }

  it.each([1, 16, 64])('no transfer fails, windows of %i', async (windowSize) => {
    const lossy = await lossyPort(windowSize);
    const got = await Promise.all(
      Array.from({ length: 16 }, () => tftpGet('loader', { host, port: lossy, blockSize: 1408, windowSize })),
    );
    expect(got.filter(({ bytes }) => files.loader?.equals(bytes))).toHaveLength(16);
    expect(proxies.at(-1)?.dropped).toBeGreaterThan(0);
  });

  it.each(tftpPrograms.filter(({ needsEveryPacket }) => !needsEveryPacket))(
    '$name does not fail',
    async ({ name, fetch }) => {
      const lossy = await lossyPort(name.length);
      const local = join(directory, `${name} ${percent}`);
      await fetch({ host, port: lossy, remote: 'loader', local });
      expect((await readFile(local)).equals(files.loader as Buffer)).toBe(true);
    },
  );
});
