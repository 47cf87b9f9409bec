import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bufferContent, TftpServer, type TftpEvent, type TftpServerOptions } from '#netboot';
import { SystemClock } from '#platform';
import { FakeClock } from '#testing';
import { ackPacket, requestPacket, tftpGet } from '../../support/tftp-client.js';

const host = '127.0.0.1';
const file = randomBytes(100 * 512 + 1);
const clock = new SystemClock();

let server: TftpServer;
let port: number;
let events: TftpEvent[];
let sockets: Socket[];

async function start(options: Partial<TftpServerOptions> = {}): Promise<void> {
  server = new TftpServer({
    host,
    port: 0,
    clock,
    onEvent: (event) => events.push(event),
    handler: async ({ path }) => (path === 'file' ? bufferContent(file) : null),
    ...options,
  });
  ({ port } = await server.start());
}

/** A client that the test plays by hand. */
class RawClient {
  private readonly arrived: { packet: Buffer; port: number }[] = [];
  private waiting: (() => void) | null = null;

  constructor(private readonly socket: Socket) {
    socket.on('message', (packet, { port: from }) => {
      this.arrived.push({ packet, port: from });
      this.waiting?.();
    });
  }

  send(packet: Buffer, to = port): void {
    this.socket.send(packet, to, host);
  }

  async next(): Promise<{ packet: Buffer; port: number }> {
    for (;;) {
      const next = this.arrived.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
  }

  get pending(): number {
    return this.arrived.length;
  }
}

async function rawClient(): Promise<RawClient> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.bind(0, host);
  await once(socket, 'listening');
  return new RawClient(socket);
}

const errorOf = (packet: Buffer) => ({
  opcode: packet.readUInt16BE(0),
  code: packet.readUInt16BE(2),
  text: packet.toString('utf8', 4, packet.length - 1),
});

beforeEach(() => {
  events = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.close();
  await server.stop();
});

describe('the TFTP server', () => {
  it.each<[string, Buffer, number, string]>([
    ['a write', requestPacket('new', ['octet'], 2), 2, 'read-only'],
    ['a path out of the root', requestPacket('../../etc/passwd'), 2, '..'],
    ['a way out of the root from the root', requestPacket('/../etc/passwd'), 2, '..'],
    ['a file of the host', requestPacket('/etc/passwd'), 1, 'file not found'],
    ['a backslash', requestPacket('..\\file'), 2, 'backslash'],
    ['an over-long path', requestPacket('x'.repeat(300)), 2, 'over 255'],
    ['a request over 512 bytes', requestPacket('x'.repeat(600)), 4, 'over 512'],
    ['a NUL in the path', requestPacket('file\0.cfg'), 4, 'option without a value'],
    ['an unknown mode', requestPacket('file', ['mail']), 4, 'mode mail'],
    ['a request without a mode', requestPacket('file', []), 4, 'without a mode'],
    ['a request that is cut short', Buffer.from([0, 1, 102]), 4, 'NUL'],
    ['an unknown opcode', Buffer.from([0, 99, 0, 0]), 4, 'unknown opcode'],
    ['one byte', Buffer.from([7]), 4, 'shorter than an opcode'],
    ['a missing file', requestPacket('missing'), 1, 'file not found'],
  ])('refuses %s with an error that says why', async (_what, packet, code, text) => {
    await start();
    const client = await rawClient();
    client.send(packet);
    const { packet: answer } = await client.next();
    expect(errorOf(answer)).toEqual({ opcode: 5, code, text: expect.stringContaining(text) });
    expect(events).toEqual([
      expect.objectContaining({ kind: 'refused', reason: expect.stringContaining(text) }),
    ]);
  });

  it('answers a request that was sent twice once, so that what is asked next has its own answer', async () => {
    await start();
    const client = await rawClient();
    for (const path of ['missing', 'missing', 'file']) client.send(requestPacket(path));
    expect(errorOf((await client.next()).packet)).toMatchObject({ opcode: 5, text: 'file not found' });
    const { packet } = await client.next();
    expect(packet.subarray(4)).toEqual(file.subarray(0, 512));
  });

  it('says it again to a client that waited for an answer which was lost', async () => {
    const fake = new FakeClock();
    await start({ clock: fake });
    const client = await rawClient();
    for (const _time of ['first', 'second']) {
      client.send(requestPacket('missing'));
      expect(errorOf((await client.next()).packet)).toMatchObject({ opcode: 5, text: 'file not found' });
      await fake.advance(500);
    }
  });

  it('says to a real client that it is read-only', async () => {
    await start();
    const { stdout } = await execa('tftp', [
      '-m',
      'binary',
      host,
      String(port),
      '-c',
      'put',
      '/etc/hostname',
      'x',
    ]);
    expect(stdout).toContain('this server is read-only');
  });

  it('serves on after any rubbish, and never answers an error', async () => {
    await start();
    const client = await rawClient();
    const rubbish = fc.sample(
      fc.tuple(fc.integer({ min: 0, max: 8 }), fc.uint8Array({ maxLength: 700 })),
      1000,
    );
    for (const [opcode, bytes] of rubbish) client.send(Buffer.from([0, opcode, ...bytes]));
    for (const size of [0, 1, 2, 3, 4, 65_000]) client.send(randomBytes(size));
    expect((await tftpGet('file', { host, port })).bytes.equals(file)).toBe(true);

    const quiet = await rawClient();
    quiet.send(Buffer.from([0, 5, 0, 0, 0]));
    quiet.send(Buffer.from([0, 99]));
    expect(errorOf((await quiet.next()).packet).code).toBe(4);
    expect(quiet.pending).toBe(0);
  });

  it('answers a foreign port with error 5, and does not disturb the transfer', async () => {
    await start();
    const [client, stranger] = [await rawClient(), await rawClient()];
    client.send(requestPacket('file'));
    const first = await client.next();
    for (const packet of [
      ackPacket(1),
      Buffer.from([0, 5, 0, 0, 0]),
      randomBytes(60),
      requestPacket('file'),
    ]) {
      stranger.send(packet, first.port);
    }
    expect(errorOf((await stranger.next()).packet)).toMatchObject({ opcode: 5, code: 5 });
    client.send(ackPacket(1), first.port);
    expect((await client.next()).packet.subarray(0, 4)).toEqual(Buffer.from([0, 3, 0, 2]));
  });

  it.each([1, 16])(
    'sends no storm to a client that acknowledges three times, windows of %i',
    async (windowSize) => {
      await start();
      const got = await tftpGet('file', { host, port, blockSize: 512, windowSize, acksPerBlock: 3 });
      expect(got.bytes.equals(file)).toBe(true);
      const blocksAndOack = 102;
      expect(got.packetsReceived).toBeLessThanOrEqual(windowSize === 1 ? blocksAndOack : blocksAndOack * 1.5);
    },
  );

  it.each([{}, { singlePort: true }])(
    'starts one transfer for a request that arrives twice: %o',
    async (options) => {
      await start(options);
      const client = await rawClient();
      for (let i = 0; i < 3; i += 1) client.send(requestPacket('file'));
      const first = await client.next();
      client.send(ackPacket(1), first.port);
      const second = await client.next();
      expect([second.port, second.packet.readUInt16BE(2)]).toEqual([first.port, 2]);
      expect(events.map(({ kind }) => kind)).toEqual(['started']);
    },
  );

  it.each([{}, { singlePort: true }])('lets a client ask anew from the same port: %o', async (options) => {
    await start(options);
    const client = await rawClient();
    client.send(requestPacket('file', ['octet', 'tsize', '0']));
    expect((await client.next()).packet.toString('latin1')).toContain(`tsize\0${file.length}`);
    client.send(requestPacket('file'));
    expect((await client.next()).packet.readUInt16BE(0)).toBe(3);
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'failed', 'started']);
  });

  it('reports a client that only wanted the size as aborted', async () => {
    await start();
    const client = await rawClient();
    client.send(requestPacket('file', ['octet', 'tsize', '0']));
    const { port: transferPort } = await client.next();
    client.send(Buffer.from('\0\x05\0\x08enough\0'), transferPort);
    await expect
      .poll(() => events.at(-1))
      .toMatchObject({
        kind: 'aborted',
        reason: 'the client sent error 8: enough',
      });
  });

  it.each<[Partial<TftpServerOptions>, string]>([
    [{ maxTransfersPerClient: 2 }, '127.0.0.1 already has 2 transfers: try again'],
    [{ maxTransfers: 2 }, 'all 2 transfers are in use: try again'],
  ])('refuses more transfers than its limit: %o', async (options, text) => {
    await start(options);
    const clients = [await rawClient(), await rawClient(), await rawClient()] as const;
    for (const client of clients) {
      client.send(requestPacket('file'));
      const { packet } = await client.next();
      if (client === clients[2]) expect(errorOf(packet).text).toBe(text);
    }
  });

  it('gives up a client that falls silent, and makes room', async () => {
    await start({ maxTransfers: 1, initialTimeoutMs: 10, maxTries: 2 });
    const client = await rawClient();
    client.send(requestPacket('file'));
    await expect
      .poll(() => events.at(-1))
      .toMatchObject({
        kind: 'failed',
        reason: 'the client stopped answering after block 0 of 101',
      });
    expect((await tftpGet('file', { host, port })).bytes.equals(file)).toBe(true);
  });

  it('tells its clients when it stops', async () => {
    await start();
    const client = await rawClient();
    client.send(requestPacket('file'));
    await client.next();
    await server.stop();
    expect(errorOf((await client.next()).packet).text).toBe('the server is stopping');
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no database')), 'no database'],
    ['never answers', () => new Promise<null>(() => {}), 'not ready after 50 ms'],
  ])('refuses, and serves on, when its handler %s', async (_how, fault, text) => {
    await start({
      handlerTimeoutMs: 50,
      handler: ({ path }) => (path === 'file' ? Promise.resolve(bufferContent(file)) : fault()),
    });
    await expect(tftpGet('faulty', { host, port })).rejects.toThrow(text);
    expect((await tftpGet('file', { host, port })).bytes.equals(file)).toBe(true);
  });

  it('says what to do when its port is taken', async () => {
    await start();
    const second = new TftpServer({ host, port, clock, handler: async () => null });
    await expect(second.start()).rejects.toMatchObject({
      code: 'port-not-bound',
      remedy: expect.stringContaining('stop the other TFTP server'),
    });
  });
});
