import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { AddressPolicy, type DownloadProgress, ImageDownloads } from '#images';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
const calls: AbortController[] = [];
const stallMs = 200;
const loopback = new AddressPolicy(['127.0.0.0/8']);

/** A server on an address of loopback; answers where it is. */
async function serve(handler: Handler, host = '127.0.0.1'): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

async function fetched(
  url: string,
  downloads = new ImageDownloads(loopback, stallMs),
  onProgress: (progress: DownloadProgress) => void = () => undefined,
): Promise<string> {
  const call = new AbortController();
  calls.push(call);
  const { stream } = await downloads.open(url, { signal: call.signal, onProgress });
  return (await buffer(stream)).toString();
}

afterEach(async () => {
  for (const call of calls.splice(0)) call.abort();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

const content: Handler = (_request, response) => response.end('content');
const redirectTo =
  (location: string, status = 302): Handler =>
  (_request, response) =>
    response.writeHead(status, { location }).end();

describe('a download', () => {
  it('gives what is there, and tells how far it is', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('content-length', 7).end('content');
    });
    const told: DownloadProgress[] = [];
    expect(await fetched(url, undefined, (progress) => told.push(progress))).toBe('content');
    expect([told[0], told.at(-1)]).toEqual([
      { receivedBytes: 0, totalBytes: 7 },
      { receivedBytes: 7, totalBytes: 7 },
    ]);
  });

  it('may come in chunks, of a length that nobody knows', async () => {
    const url = await serve((_request, response) => {
      response.write('con');
      response.end('tent');
    });
    const told: DownloadProgress[] = [];
    expect(await fetched(url, undefined, (progress) => told.push(progress))).toBe('content');
    expect(told.at(-1)).toEqual({ receivedBytes: 7, totalBytes: undefined });
  });

  it.each([301, 302, 303, 307, 308])('follows a redirect with %s', async (status) => {
    const there = await serve(content);
    expect(await fetched(await serve(redirectTo(`${there}/x`, status)))).toBe('content');
  });

  it('follows a redirect to another path', async () => {
    const url = await serve((request, response) =>
      request.url === '/b/d' ? response.end('content') : redirectTo('../b/d')(request, response),
    );
    expect(await fetched(`${url}/a/c`)).toBe('content');
  });

  it('goes to the address that was checked, whatever the name says the next time', async () => {
    const url = new URL(await serve(content));
    const answers = ['127.0.0.1', '127.0.0.2'];
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return [{ address: answers.shift() ?? '', family: 4 }];
    };
    url.hostname = 'images.example.org';
    const downloads = new ImageDownloads(new AddressPolicy(['127.0.0.1']), stallMs, resolve);
    expect(await fetched(url.href, downloads)).toBe('content');
    expect(asked).toEqual(['images.example.org']);
  });

  it('sends the name of the host, not its address', async () => {
    const url = new URL(await serve(({ headers }, response) => response.end(headers.host)));
    url.hostname = 'images.example.org';
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    expect(await fetched(url.href, new ImageDownloads(loopback, stallMs, resolve))).toBe(url.host);
  });
});

describe('a download is refused', () => {
  const refused = (url: string, said: string, downloads?: ImageDownloads) =>
    expect(fetched(url, downloads)).rejects.toMatchObject({
      code: 'image-url-refused',
      message: expect.stringContaining(said),
      remedy: expect.stringContaining('DODAI_IMAGE_URL_ALLOW'),
      context: { field: 'url' },
    });
  const strict = new ImageDownloads(new AddressPolicy(['127.0.0.1']), stallMs);

  it.each([
    ['http://127.0.0.2:9/x?secret=1', 'http://127.0.0.2:9/x: 127.0.0.2 is at 127.0.0.2, which is a loopback'],
    ['http://2130706434/', 'a loopback address'],
    ['http://0x7f.2/', 'a loopback address'],
    ['http://[::1]/', '::1 is at ::1, which is a loopback address'],
    ['http://[::ffff:127.0.0.3]/', 'a loopback address'],
    ['http://169.254.169.254/latest/meta-data', 'a link-local address'],
    ['https://10.0.0.1/', 'a private address'],
    ['http://0/', 'not a public address'],
    ['http://localhost:1/', 'a loopback address'],
  ])('from %s', async (url, said) => {
    await refused(url, said, new ImageDownloads(new AddressPolicy([]), stallMs));
  });

  it('when a redirect leads to a local address', async () => {
    const secret = await serve(content, '127.0.0.2');
    await refused(await serve(redirectTo(secret)), 'which is a loopback address', strict);
  });

  it('when one address of several is local', async () => {
    const resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    const downloads = new ImageDownloads(new AddressPolicy(['127.0.0.1']), stallMs, resolve);
    await refused('http://images.example.org:9/', 'at 10.0.0.1, which is a private address', downloads);
  });

  it.each([
    ['file:///etc/passwd', 'neither http nor https'],
    ['ftp://127.0.0.1/', 'neither http nor https'],
    ['http://user:secret@127.0.0.1/', 'a user name or password'],
  ])('when a redirect leads to %s', async (target, said) => {
    await refused(await serve(redirectTo(target)), said);
  });
});

describe('a download fails', () => {
  const fails = (url: string, said: string, downloads?: ImageDownloads) =>
    expect(fetched(url, downloads)).rejects.toMatchObject({
      code: 'image-download-failed',
      message: expect.stringContaining(said),
      remedy: expect.stringContaining('curl'),
    });

  it('when the file is not there', async () => {
    await fails(
      await serve((_request, response) => response.writeHead(404).end('no')),
      'the server answered 404 Not Found',
    );
  });

  it('when it is redirected for ever', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked += 1;
      redirectTo('/again')(request, response);
    });
    await fails(url, 'redirected more than 5 times');
    expect(asked).toBe(6);
  });

  it('when a redirect leads nowhere', async () => {
    await fails(await serve((_request, response) => response.writeHead(302).end()), 'without the place');
    await fails(await serve(redirectTo('http://[')), 'without the place');
  });

  it('when nothing listens there', async () => {
    await fails('http://127.0.0.1:9/', 'nothing listens there');
  });

  it('when the name is unknown', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    await fails(
      'http://x.invalid/',
      'the host name is unknown',
      new ImageDownloads(loopback, stallMs, resolve),
    );
  });

  it('when the server never answers', async () => {
    await fails(await serve(() => undefined), 'nothing came for 0.2 seconds');
  });

  it('when the server stops in the middle', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('content-length', 7);
      response.write('con');
    });
    await fails(url, 'nothing came for 0.2 seconds');
  });

  it.each([
    ['announced more', { 'content-length': '100' }],
    ['was sending chunks', {}],
  ])('when the server that %s hangs up', async (_what, headers) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, headers);
      response.write('con', () => response.destroy());
    });
    await fails(url, 'the connection was closed before the end');
  });

  it('when what comes is not HTTP', async () => {
    const url = await serve((request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await fails(url, 'Parse Error');
  });
});

it('ends the connection when it is called off', async () => {
  let close: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const url = await serve((_request, response) => {
    response.write('con');
    response.on('close', close);
  });
  const call = new AbortController();
  await new ImageDownloads(loopback, 60_000).open(url, { signal: call.signal, onProgress: () => undefined });
  call.abort();
  await closed;
});
