import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventView } from '#contract';
import { afterEach, describe, expect, it } from 'vitest';
import { DodaiClient } from '../../apps/cli/src/client.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function clientOf(handler: Handler, token?: string): Promise<DodaiClient> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sleep = async (_durationMs: number, signal?: AbortSignal) => signal?.throwIfAborted();
  return new DodaiClient({ url: `http://127.0.0.1:${port}/`, token, sleep });
}

const event = (id: number): EventView => ({
  id: String(id),
  at: '2026-01-31T12:00:00.000Z',
  kind: 'state.changed',
  machineId: null,
  instanceId: null,
  message: `event ${id}`,
  data: {},
});

const message = (id: number) => `id: ${id}\nevent: state.changed\ndata: ${JSON.stringify(event(id))}\n\n`;

function problem(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ status, ...body }));
}

describe('following the events', () => {
  it('resumes a lost connection after the last event, missing none and repeating none', async () => {
    const asked: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      const after = request.headers['last-event-id'] as string | undefined;
      asked.push(after);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const next = Number(after) + 1;
      response.write(`retry: 10\n\n: alive\n\n${message(next)}`);
      // Cut off in the middle of the event after it.
      response.write(message(next + 1).slice(0, 30), () => response.destroy());
    });
    const seen: string[] = [];
    const states: string[] = [];
    for await (const { id } of client.followEvents({
      after: '4',
      onConnection: (state) => states.push(state),
    })) {
      seen.push(id);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(['5', '6', '7']);
    expect(asked).toEqual(['4', '5', '6']);
    expect(states).toEqual(['lost', 'resumed', 'lost', 'resumed']);
  });

  it.each([
    ['a restart of the controller', 'shutting-down'],
    ['a restart of its database', 'database-unavailable'],
  ])('comes back after %s, which refuses for a while', async (_, code) => {
    let requests = 0;
    const client = await clientOf((_request, response) => {
      requests += 1;
      if (requests === 2) return problem(response, 503, { code, title: 'Away', detail: 'restart' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(message(requests));
    });
    const seen: string[] = [];
    for await (const { id } of client.followEvents({ after: '0' })) {
      seen.push(id);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['1', '3']);
  });

  it('ends with the signal', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(message(1));
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { id } of client.followEvents({ signal: stop.signal })) {
      seen.push(id);
      stop.abort();
    }
    expect(seen).toEqual(['1']);
  });

  it('is an error at once when the controller refuses', async () => {
    const client = await clientOf((_request, response) =>
      problem(response, 401, { code: 'token-invalid', title: 'Token invalid', detail: 'no' }),
    );
    await expect(client.followEvents({}).next()).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('is an error at once when there is no controller', async () => {
    const client = new DodaiClient({ url: 'http://127.0.0.1:9', sleep: async () => {} });
    await expect(client.followEvents({}).next()).rejects.toMatchObject({ code: 'controller-unreachable' });
  });
});

describe('an upload', () => {
  const sha256 = 'a'.repeat(64);

  const event = (kind: string, data: object) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;

  async function withFile<Result>(
    sizeBytes: number,
    work: (file: string) => Promise<Result>,
  ): Promise<Result> {
    const folder = await mkdtemp(join(tmpdir(), 'dodai-upload-'));
    try {
      await writeFile(join(folder, 'image'), Buffer.alloc(sizeBytes, 7));
      return await work(join(folder, 'image'));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it('announces its length and reports its progress', async () => {
    let received = 0;
    let announced: string | undefined;
    const client = await clientOf((request, response) => {
      announced = request.headers['content-length'];
      request.on('data', (chunk: Buffer) => (received += chunk.length));
      request.on('end', () => {
        response.setHeader('content-type', 'text/event-stream');
        response.end(
          event('image', {
            id: '3f0c2a8e-6f0b-4a51-9d5e-0c8f7a1b2c3d',
            name: 'debian',
            sha256,
            sourceSha256: sha256,
            compressedBytes: 1,
            uncompressedBytes: 2,
            kind: 'file_system',
            format: 'raw',
            dataBytes: 2,
            fileSystem: 'ext4',
            defaultUser: null,
            sourceUrl: null,
            description: null,
            findings: [],
            install: null,
            lastUsedAt: null,
            createdAt: '2026-01-31T12:00:00.000Z',
          }),
        );
      });
    });
    const progress: number[] = [];
    const sizeBytes = 1_000_003;
    const image = await withFile(sizeBytes, (file) =>
      client.uploadImage({
        file,
        name: 'debian',
        sha256,
        onProgress: ({ stage, doneBytes }) => stage === 'send' && progress.push(doneBytes),
      }),
    );
    expect(image.name).toBe('debian');
    expect([announced, received, progress.at(-1)]).toEqual([String(sizeBytes), sizeBytes, sizeBytes]);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('that is refused before its end tells why', async () => {
    const client = await clientOf((_request, response) =>
      problem(response, 409, {
        code: 'image-duplicate',
        title: 'Image duplicate',
        detail: 'debian is taken.',
      }),
    );
    await withFile(40_000_000, async (file) => {
      await expect(client.uploadImage({ file, name: 'debian', sha256 })).rejects.toMatchObject({
        code: 'image-duplicate',
        message: 'debian is taken.',
      });
    });
  });

  it('of a file that is missing is an error of ours', async () => {
    const client = await clientOf((_request, response) => response.end());
    await expect(client.uploadImage({ file: '/nowhere', name: 'a', sha256 })).rejects.toMatchObject({
      message: 'Cannot read /nowhere: there is no such file.',
    });
  });
});

describe('an answer', () => {
  it('of a missing or wrong token says what to do on this side', async () => {
    const refuse: Handler = (request, response) =>
      problem(response, 401, { code: request.headers.authorization ? 'token-invalid' : 'token-missing' });
    await expect((await clientOf(refuse)).machine('m1')).rejects.toMatchObject({
      code: 'token-missing',
      message: 'The controller asks for an API token and none was given.',
      remedy: expect.stringContaining('--token-file'),
    });
    await expect((await clientOf(refuse, 'wrong')).machine('m1')).rejects.toMatchObject({
      code: 'token-invalid',
      message: 'The controller does not accept this API token.',
    });
  });

  it('of something that is no dodai controller is told from a real one', async () => {
    const client = await clientOf((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<html>');
    });
    await expect(client.machine('m1')).rejects.toMatchObject({
      remedy: expect.stringContaining('Is this address a dodai controller?'),
    });
  });

  it('in pages is read to the end, or to the limit', async () => {
    const asked: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      const query = new URL(request.url ?? '', 'http://a').searchParams;
      asked.push(request.url);
      const first = Number(query.get('after') ?? 0) + 1;
      const items = [event(first), event(first + 1)].slice(0, Number(query.get('limit')));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ items, next: first >= 5 ? null : String(first + 1) }));
    });
    const ids = async (limit?: number) => {
      const seen: string[] = [];
      for await (const { id } of client.listEvents({ limit })) seen.push(id);
      return seen;
    };
    expect(await ids()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(await ids(3)).toEqual(['1', '2', '3']);
    expect(asked.at(-1)).toBe('/v1/events?after=2&limit=1');
  });

  it('that end with the newest event is read from the end, and no more than was asked for', async () => {
    const asked: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      const query = new URL(request.url ?? '', 'http://a').searchParams;
      asked.push(request.url);
      const last = Number(query.get('before') ?? 9000) - 1;
      const items = Array.from({ length: Number(query.get('limit')) }, (_, n) => event(last - n));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ items, next: items.at(-1)?.id }));
    });
    const ids = (await client.latestEvents({ limit: 502 })).map(({ id }) => Number(id));
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([502, 8498, 8999]);
    expect(asked).toEqual(['/v1/events?order=desc&limit=500', '/v1/events?order=desc&before=8500&limit=2']);
  });
});

it('says so when a tunnel takes the connection and closes it, the controller behind it being down', async () => {
  const tunnel = createTcpServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => tunnel.listen(0, '127.0.0.1', resolve));
  const { port } = tunnel.address() as AddressInfo;
  const client = new DodaiClient({ url: `http://127.0.0.1:${port}`, sleep: async () => undefined });
  await expect(client.machine('m1')).rejects.toMatchObject({ code: 'controller-unreachable' });
  await new Promise((resolve) => tunnel.close(resolve));
});
