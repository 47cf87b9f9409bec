import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bufferContent, fileContent, TftpServer, type TftpEvent, type TftpServerOptions } from '#netboot';
import { SystemClock } from '#platform';
import { tftpGet } from '../support/tftp-client.js';
import { tftpPrograms } from '../support/tftp-programs.js';

const host = '127.0.0.1';
const sizes = [0, 1, 511, 512, 1468, 400_003];
const files = new Map(sizes.map((sizeBytes) => [`dir/file-${sizeBytes}`, randomBytes(sizeBytes)]));
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-tftp-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.each<[string, Partial<TftpServerOptions>]>([
  ['a port per transfer', {}],
  ['everything through one port', { singlePort: true }],
  ['three ports for transfers', { portRange: { first: 42_100, last: 42_102 } }],
])('the TFTP server, %s', (_name, options) => {
  const events: TftpEvent[] = [];
  const server = new TftpServer({
    host,
    port: 0,
    clock: new SystemClock(),
    onEvent: (event) => events.push(event),
    handler: async ({ path }) => {
      const bytes = files.get(path);
      return bytes === undefined ? null : bufferContent(bytes);
    },
    ...options,
  });
  let port: number;
  beforeAll(async () => void ({ port } = await server.start()));
  afterAll(() => server.stop());

  it.each(tftpPrograms)('serves files of all sizes to $name', async ({ name, fetch }) => {
    for (const [remote, bytes] of files) {
      const local = join(directory, `${name} ${bytes.length}`);
      await fetch({ host, port, remote, local });
      const got = await readFile(local);
      expect(got.equals(bytes), `${bytes.length} bytes, got ${got.length}`).toBe(true);
      await rm(local);
    }
  });

  it.each(tftpPrograms)('tells $name that there is no such file', async ({ fetch }) => {
    events.length = 0;
    const local = join(directory, 'missing');
    await fetch({ host, port, remote: 'missing', local }).catch(() => undefined);
    expect(events[0]).toMatchObject({ kind: 'refused', path: 'missing', reason: 'file not found' });
    await rm(local, { force: true });
  });

  it('serves many clients at the same time', async () => {
    const got = await Promise.all(
      Array.from({ length: 40 }, () =>
        tftpGet('dir/file-400003', { host, port, blockSize: 1468, windowSize: 8 }),
      ),
    );
    const bytes = files.get('dir/file-400003');
    expect(got.every((each) => bytes?.equals(each.bytes))).toBe(true);
  });
});

describe('the TFTP server', () => {
  it('serves a file from disk while it is read, and a text to a client in netascii', async () => {
    const path = join(directory, 'on-disk');
    const bytes = randomBytes(3 * 1024 * 1024 + 5);
    await writeFile(path, bytes);
    const server = new TftpServer({
      host,
      port: 0,
      clock: new SystemClock(),
      handler: async (request) =>
        request.path === 'text' ? bufferContent(Buffer.from('one\ntwo\n')) : fileContent(path),
    });
    const { port } = await server.start();
    const { bytes: got } = await tftpGet('any', { host, port, blockSize: 1428, windowSize: 16 });
    expect(got.equals(bytes)).toBe(true);
    const local = join(directory, 'text');
    await execa('tftp', ['-m', 'ascii', host, String(port), '-c', 'get', 'text', local], { timeout: 5000 });
    expect(await readFile(local, 'utf8')).toBe('one\ntwo\n');
    await server.stop();
  });

  it('counts on past 65,535 blocks', async () => {
    const bytes = randomBytes(70_000 * 8 + 3);
    const server = new TftpServer({
      host,
      port: 0,
      clock: new SystemClock(),
      handler: async () => bufferContent(bytes),
    });
    const { port } = await server.start();
    const local = join(directory, 'rollover');
    const [own] = await Promise.all([
      tftpGet('big', { host, port, blockSize: 8, windowSize: 32 }),
      execa('curl', ['-sS', '--tftp-blksize', '8', '-o', local, `tftp://${host}:${port}/big`], {
        timeout: 30_000,
      }),
    ]);
    expect(own.bytes.equals(bytes)).toBe(true);
    expect((await readFile(local)).equals(bytes)).toBe(true);
    await server.stop();
  });
});
