import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageProgress, type ImageView, type Page } from '#contract';
import type { ImageProgress } from '#core';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { RunningController } from '../support/running-controller.js';
import { makeSmallImage, type SmallImage } from '../support/small-image.js';

let dodai: RunningController;
let mirror: Server;
let site: string;
let image: SmallImage;
let folder: string;
const answers: Record<string, (response: ServerResponse) => void> = {};

/** The controller may go to 127.0.0.1, where the mirror is, and to no other address that is local. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-images-url-'));
  image = await makeSmallImage(8, 2);
  mirror = createServer(({ url = '' }, response) => {
    const answer = answers[decodeURIComponent(new URL(url, 'http://x').pathname)];
    if (answer) answer(response);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  site = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  dodai = await RunningController.start({
    DODAI_IMAGE_URL_ALLOW: '127.0.0.1',
    DODAI_IMAGE_MAX_GB: String(16 / 1024),
  });
  const packed = await execa('xz', ['-0', '-c'], { input: image.data, encoding: 'buffer' });
  Object.assign(answers, {
    '/debian 12.ext4.zst': whole(image.data),
    '/packed twice.xz': whole(new Uint8Array(packed.stdout)),
    '/moved': redirect('/debian%2012.ext4.zst'),
    '/local': redirect('http://127.0.0.2:9/secret'),
    '/large': (response) => response.setHeader('content-length', 17 * 1024 * 1024).write('x'),
    '/cut': (response) => {
      response.setHeader('content-length', image.data.length);
      response.write(image.data.subarray(0, 500_000), () => response.destroy());
    },
    '/page': whole(Buffer.from('<html><title>Log in</title></html>')),
  } satisfies typeof answers);
});
afterAll(async () => {
  await dodai?.end();
  mirror?.closeAllConnections();
  mirror?.close();
  await rm(folder, { recursive: true, force: true });
});

const whole = (data: Uint8Array) => (response: ServerResponse) =>
  void response.setHeader('content-length', data.length).end(data);
const redirect = (location: string) => (response: ServerResponse) =>
  void response.writeHead(302, { location }).end();

const digest = (algorithm: 'sha256' | 'sha512') => createHash(algorithm).update(image.data).digest('hex');
const order = (over: object = {}) => ({
  name: 'debian',
  url: `${site}/debian%2012.ext4.zst`,
  sha256: image.sha256,
  ...over,
});
const files = () => readdir(join(dodai.dataDir, 'images'));
const images = async () => (await dodai.ask<Page<ImageView>>('GET', '/v1/images')).body.items;

/** The events of an import whose answer is a stream. */
async function streamed(body: object): Promise<EventSourceMessage[]> {
  const headers = { accept: 'text/event-stream' };
  const response = await dodai.fetch('POST', '/v1/images', { body, headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  return eventsOf(await response.text());
}

function eventsOf(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(text);
  return events;
}

function toldBy(events: EventSourceMessage[]): ImageProgress[] {
  return events
    .filter(({ event }) => event === 'progress')
    .map(({ data }) => imageProgress.parse(JSON.parse(data)));
}

/** In the order in which they began. */
const stagesOf = (events: EventSourceMessage[]) => [...new Set(toldBy(events).map(({ stage }) => stage))];

/** The first and the last that was told of a stage, and its total. */
function fullyTold(events: EventSourceMessage[], stage: ImageProgress['stage']) {
  const told = toldBy(events).filter((each) => each.stage === stage);
  return [told[0]?.doneBytes, told.at(-1)?.doneBytes, told.at(-1)?.totalBytes];
}

describe('an image that is fetched', () => {
  it.each<[string, () => object]>([
    ['a digest', () => ({})],
    ['a SHA-512', () => ({ sha256: undefined, sha512: digest('sha512') })],
    ['a list that has it', () => ({ sha256: undefined, sums: `${image.sha256}  debian 12.ext4.zst\n` })],
    [
      'a list that has it by another name',
      () => ({ sha256: undefined, sums: `SHA256 (x) = ${image.sha256}\n`, fileName: 'x' }),
    ],
    ['a redirect', () => ({ url: `${site}/moved` })],
    ['a query, which may be a secret', () => ({ url: `${site}/debian%2012.ext4.zst?key=abc` })],
    ['a default user', () => ({ defaultUser: 'debian' })],
  ])('is there, with %s', async (_what, over) => {
    const made = await dodai.ask<ImageView>('POST', '/v1/images', { body: order(over()) });
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'debian', sourceSha256: image.sha256, fileSystem: 'ext4', sourceUrl: expect.any(String) },
    });
    expect(made.body.sourceUrl).toMatch(/(12.ext4.zst|moved)$/);
    expect(await images()).toEqual([made.body]);
    await dodai.ask('DELETE', '/v1/images/debian');
    expect(await files()).toEqual([]);
  });

  it('may be a whole disk, in a disk image', async () => {
    const [raw, file] = [join(folder, 'disk.raw'), join(folder, 'disk.qcow2')];
    await writeFile(raw, Buffer.alloc(4 * 1024 * 1024));
    await execa('sfdisk', ['--quiet', raw], {
      input: 'label: gpt\n2048,4096\n',
      env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
    });
    await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
    const data = await readFile(file);
    answers['/disk.qcow2'] = whole(data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const events = await streamed(order({ url: `${site}/disk.qcow2`, sha256 }));
    const diskBytes = 4 * 1024 * 1024;
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      kind: 'disk',
      format: 'qcow2',
      fileSystem: null,
      uncompressedBytes: diskBytes,
    });
    expect(stagesOf(events)).toEqual(['fetch', 'convert', 'check', 'pack']);
    expect(fullyTold(events, 'convert')).toEqual([0, diskBytes, diskBytes]);
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it('tells how far it is to whom asks for a stream', async () => {
    const events = await streamed(order());
    expect(stagesOf(events)).toEqual(['fetch', 'check', 'pack']);
    expect(fullyTold(events, 'fetch')).toEqual([0, image.data.length, image.data.length]);
    const [stored] = await images();
    const content = stored?.uncompressedBytes ?? 0;
    expect(fullyTold(events, 'pack')).toEqual([0, content, content]);
    expect(JSON.parse(events.at(-1)?.data ?? '')).toEqual(stored);
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it('is told of every few seconds, also while nothing comes', async () => {
    let goOn: () => void = () => undefined;
    const isAwaited = new Promise<void>((resolve) => (goOn = resolve));
    answers['/late'] = (response) => void isAwaited.then(() => whole(image.data)(response));
    const headers = { accept: 'text/event-stream' };
    const body = order({ url: `${site}/late` });
    const response = await dodai.fetch('POST', '/v1/images', { body, headers }); // it has begun to answer
    goOn();
    const events = eventsOf(await response.text());
    expect(toldBy(events)[0]).toEqual({ stage: 'fetch', doneBytes: 0, totalBytes: null });
    expect(events.at(-1)?.event).toBe('image');
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it('is imported by the command', async () => {
    const environment = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token };
    const cli = (...args: string[]) => runCaptured(args, { env: environment });
    const sums = join(folder, 'SHA512SUMS');
    await writeFile(sums, `${digest('sha512')} *debian 12.ext4.zst\n`);
    const url = `${site}/debian%2012.ext4.zst`;
    const done = await cli('images', 'import', url, '--name', 'debian', '--sums', sums);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(image.sha256) });
    await dodai.ask('DELETE', '/v1/images/debian');
    expect(await cli('images', 'import', url, '--name', 'debian')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('needs the digest that it must have'),
    });
    const cut = await cli('images', 'import', `${site}/cut`, '--name', 'x', '--sha256', image.sha256);
    expect(cut).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the connection was closed before the end'),
    });
  });
});

describe('what cannot be fetched leaves nothing behind:', () => {
  it.each<[string, () => object, number, string, string]>([
    [
      'a digest that is not the one',
      () => ({ sha256: 'a'.repeat(64) }),
      422,
      'image-checksum-mismatch',
      'aaa',
    ],
    ['a file that is not there', () => ({ url: `${site}/gone` }), 502, 'image-download-failed', '404'],
    [
      'a file that ends too early',
      () => ({ url: `${site}/cut` }),
      502,
      'image-download-failed',
      'before the end',
    ],
    ['a file that is too large', () => ({ url: `${site}/large` }), 422, 'image-too-large', 'announced'],
    ['a page to log in', () => ({ url: `${site}/page` }), 422, 'image-invalid', 'web page ("Log in")'],
    [
      'a file packed twice',
      () => ({ url: `${site}/packed%20twice.xz` }),
      422,
      'image-invalid',
      'packed twice',
    ],
    ['a local address', () => ({ url: 'http://127.0.0.2/' }), 422, 'image-url-refused', 'loopback'],
    [
      'a redirect to one',
      () => ({ url: `${site}/local` }),
      422,
      'image-url-refused',
      'http://127.0.0.2:9/secret',
    ],
  ])('%s', async (_what, over, status, code, said) => {
    const problem = await dodai.refused('POST', '/v1/images', { body: order(over()) });
    expect(problem).toMatchObject({ status, code, detail: expect.stringContaining(said) });
    expect(problem.remedy).toBeDefined();
    expect([await files(), await images()]).toEqual([[], []]);
  });

  it('a failure in the middle is an event of the stream', async () => {
    const events = await streamed(order({ url: `${site}/cut` }));
    expect(events.at(-1)?.event).toBe('problem');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      status: 502,
      code: 'image-download-failed',
      remedy: expect.stringContaining('curl'),
    });
    expect([await files(), await images()]).toEqual([[], []]);
  });

  it('a refusal before it began has its own status, for a stream too', async () => {
    const headers = { accept: 'text/event-stream' };
    const problem = await dodai.refused('POST', '/v1/images', {
      body: order({ url: `${site}/gone` }),
      headers,
    });
    expect(problem.status).toBe(502);
  });

  it('a name that is taken, without anything being fetched', async () => {
    await dodai.ask('POST', '/v1/images', { body: order() });
    const body = order({ url: `${site}/gone` });
    expect(await dodai.refused('POST', '/v1/images', { body })).toMatchObject({ code: 'image-duplicate' });
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it.each(['application/json', 'text/event-stream'])(
    'an import whose client goes away from %s',
    async (accept) => {
      const hungUp = new Promise<void>((resolve) => {
        answers['/slow'] = (response) => {
          response.on('close', resolve);
          response.write(image.data.subarray(0, 500_000));
        };
      });
      const call = new AbortController();
      const asked = fetch(`${dodai.url}/v1/images`, {
        method: 'POST',
        headers: { authorization: `Bearer ${dodai.token}`, 'content-type': 'application/json', accept },
        body: JSON.stringify(order({ url: `${site}/slow` })),
        signal: call.signal,
      });
      await expect.poll(files).toHaveLength(1); // it has begun
      call.abort();
      await asked.catch(() => undefined); // a stream had begun to answer
      await hungUp;
      await expect.poll(files).toEqual([]);
    },
  );

  it.each([
    ['url', { url: 'ftp://example.org/x' }],
    ['url', { url: 'debian.zst' }],
    ['url', { url: undefined }],
    ['url', { url: 'http://user:secret@example.org/x' }],
    ['sha256', { sha256: undefined }],
    ['sums', { sha256: undefined, sums: 'hello' }],
    ['sums', { sums: 'hello' }],
    ['fileName', { fileName: 'x' }],
    ['name', { name: 'a/b' }],
    ['shasum', { shasum: 'x' }],
  ])('a bad %s, which is named', async (field, over) => {
    const problem = await dodai.refused('POST', '/v1/images', { body: order(over) });
    expect(problem).toMatchObject({ status: 400, code: 'invalid-request' });
    expect(problem.errors?.map((fault) => fault.field)).toEqual([field]);
  });

  it('a query beside the body', async () => {
    const problem = await dodai.refused('POST', '/v1/images?name=debian', { body: order() });
    expect(problem.errors).toEqual([{ field: 'name', message: 'there is no such field' }]);
  });

  it('a body that is no JSON', async () => {
    const type = 'application/json';
    expect(await dodai.refused('POST', '/v1/images', { body: '{', type })).toMatchObject({ status: 400 });
  });
});
