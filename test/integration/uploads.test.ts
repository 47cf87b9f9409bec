import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageView } from '#contract';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { DodaiClient } from '../../apps/cli/src/client.js';
import { sha256 } from '../support/image-sources.js';
import { RunningController } from '../support/running-controller.js';
import { makeSmallImage, type SmallImage } from '../support/small-image.js';

let dodai: RunningController;
let folder: string;
let image: SmallImage;
const tus = { 'tus-resumable': '1.0.0' };
const offsetType = 'application/offset+octet-stream';
const base64 = (text: string) => Buffer.from(text).toString('base64');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-uploads-'));
  dodai = await RunningController.start({ DODAI_IMAGE_MAX_GB: String(128 / 1024) });
  image = await makeSmallImage(8, 2);
});
afterAll(async () => {
  await dodai?.end();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const file of await files()) await rm(join(dodai.dataDir, 'uploads', file));
});

const files = () => readdir(join(dodai.dataDir, 'uploads'));
const create = (digest: string, bytes: number | string) =>
  dodai.fetch('POST', '/v1/uploads', {
    headers: { ...tus, 'upload-length': String(bytes), 'upload-metadata': `digest ${base64(digest)}` },
  });
const append = (id: string, offset: number, body: Uint8Array<ArrayBuffer>) =>
  dodai.fetch('PATCH', `/v1/uploads/${id}`, {
    headers: { ...tus, 'upload-offset': String(offset) },
    body,
    type: offsetType,
  });
const tell = (id: string) => dodai.fetch('HEAD', `/v1/uploads/${id}`, { headers: tus });
const order = (over: object = {}) => ({
  body: { name: 'debian', sha256: image.sha256, upload: image.sha256, ...over },
});

describe('an upload in pieces', () => {
  it('is imported once all of it is there, and is gone then', async () => {
    const { data } = image;
    const made = await create(image.sha256, data.length);
    expect([made.status, made.headers.get('location')]).toEqual([201, `/v1/uploads/${image.sha256}`]);
    expect((await append(image.sha256, 0, data.slice(0, 1_000_000))).status).toBe(204);
    expect((await tell(image.sha256)).headers.get('upload-offset')).toBe('1000000');
    expect(await dodai.refused('POST', '/v1/images', order())).toMatchObject({
      status: 400,
      code: 'upload-incomplete',
      remedy: expect.stringContaining('Upload-Offset: 1000000'),
    });
    expect((await append(image.sha256, 1_000_000, data.slice(1_000_000))).status).toBe(204);
    const imported = await dodai.ask<ImageView>('POST', '/v1/images', order());
    expect(imported).toMatchObject({ status: 201, body: { sourceSha256: image.sha256, sourceUrl: null } });
    expect(await files()).toEqual([]);
    expect((await tell(image.sha256)).status).toBe(404);
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it('stays when the name of the image is taken, and goes when it can be no image', async () => {
    const data = new Uint8Array(randomBytes(1000));
    const digest = sha256(data);
    await create(digest, data.length);
    await append(digest, 0, data);
    await create(image.sha256, image.data.length);
    await append(image.sha256, 0, image.data);
    await dodai.ask('POST', '/v1/images', order());
    const both = { sha256: digest, upload: digest };
    expect(await dodai.refused('POST', '/v1/images', order(both))).toMatchObject({ code: 'image-duplicate' });
    expect(await files()).toHaveLength(2);
    expect(await dodai.refused('POST', '/v1/images', order({ ...both, name: 'other' }))).toMatchObject({
      code: 'image-invalid',
    });
    expect(await files()).toEqual([]);
    await dodai.ask('DELETE', '/v1/images/debian');
  });

  it('goes when it has another digest', async () => {
    await create('a'.repeat(64), image.data.length);
    await append('a'.repeat(64), 0, image.data);
    const wrong = order({ upload: 'a'.repeat(64), sha256: 'a'.repeat(64) });
    expect(await dodai.refused('POST', '/v1/images', wrong)).toMatchObject({
      code: 'image-checksum-mismatch',
    });
    expect(await files()).toEqual([]);
  });

  it('is refused at another place than where it stopped', async () => {
    await create(image.sha256, image.data.length);
    expect((await append(image.sha256, 5, image.data.slice(5))).status).toBe(409);
  });

  it('is refused when it is too large', async () => {
    expect((await create(image.sha256, 129 * 1024 * 1024)).status).toBe(413);
    await create(image.sha256, 1000);
    expect((await append(image.sha256, 0, image.data)).status).toBe(413);
  });

  it('needs a token, and a digest for a name', async () => {
    const headers = { ...tus, 'upload-length': '1' };
    expect((await dodai.fetch('POST', '/v1/uploads', { token: null, headers })).status).toBe(401);
    expect(await dodai.refused('POST', '/v1/uploads', { headers })).toMatchObject({
      status: 400,
      remedy: expect.stringContaining('Upload-Metadata'),
    });
    expect((await create('../../../etc/passwd', 1)).status).toBe(400);
    expect((await dodai.fetch('HEAD', '/v1/uploads/..%2fapi-token', { headers: tus })).status).toBe(404);
  });

  it.each<[string, object]>([
    ['url', { upload: undefined }],
    ['upload', { url: 'http://example.org/x' }],
    ['upload', { upload: '../x' }],
  ])('needs a good %s', async (field, over) => {
    expect(await dodai.refused('POST', '/v1/images', order(over))).toMatchObject({ errors: [{ field }] });
  });

  it('that there is not is named', async () => {
    expect(await dodai.refused('POST', '/v1/images', order())).toMatchObject({
      status: 404,
      code: 'upload-not-found',
    });
  });
});

describe('the client', () => {
  /** Passes on to the controller, and cuts so many connections after so many bytes. */
  async function cutting(connections: number, afterBytes: number): Promise<Server> {
    let left = connections;
    const { port, hostname } = new URL(dodai.url);
    const proxy = createServer((inside) => {
      const outside = connect(Number(port), hostname);
      let bytes = 0;
      inside.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > afterBytes && left > 0) {
          left -= 1;
          inside.destroy();
          outside.end(chunk.subarray(0, 1));
        } else outside.write(chunk);
      });
      outside.on('data', (chunk) => inside.write(chunk));
      for (const [one, other] of [[inside, outside] as const, [outside, inside] as const]) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.end());
      }
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    return proxy;
  }

  it('goes on where a connection broke', async () => {
    const data = new Uint8Array(randomBytes(6_000_000));
    const file = join(folder, 'broken');
    await writeFile(file, data);
    const digest = sha256(data);
    const proxy = await cutting(2, 2_000_000);
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const offsets: number[] = [];
    const client = new DodaiClient({
      url,
      token: dodai.token,
      sleep: async () => {
        offsets.push(Number((await tell(digest)).headers.get('upload-offset')));
      },
    });
    const sent: number[] = [];
    try {
      const onProgress = ({ doneBytes }: { doneBytes: number }) => void sent.push(doneBytes);
      expect(await client.sendResumably({ file, digest, onProgress })).toBe(digest);
    } finally {
      proxy.close();
    }
    expect(offsets).toHaveLength(2);
    expect(offsets[0]).toBeGreaterThan(0);
    expect(offsets[1]).toBeGreaterThan(offsets[0] ?? Infinity);
    expect(sent.at(-1)).toBe(data.length);
    expect((await tell(digest)).headers.get('upload-offset')).toBe(String(data.length));
  });

  it('gives up when nothing comes of it', async () => {
    const file = join(folder, 'hopeless');
    await writeFile(file, randomBytes(1000));
    const client = new DodaiClient({ url: 'http://127.0.0.1:1', token: 'x', sleep: async () => undefined });
    await expect(client.sendResumably({ file, digest: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'controller-unreachable',
    });
  });

  it('sends a long file so, by the command', async () => {
    const file = join(folder, 'long.ext4');
    await execa('mke2fs', ['-q', '-t', 'ext4', file, '65M'], { env: { PATH: `${process.env.PATH}:/sbin` } });
    const env = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token };
    const shown: string[] = [];
    const stderr = { write: (text: string) => void shown.push(text), isTTY: true };
    const done = await runCaptured(['images', 'import', file, '--name', 'long'], { env, stderr });
    for (const doing of ['looking into it', 'storing', '100 %']) expect(shown.join('')).toContain(doing);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('ext4 file system') });
    expect(await files()).toEqual([]);
    const again = await runCaptured(['images', 'import', file, '--name', 'long'], { env });
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is an image long already'),
    });
    await dodai.ask('DELETE', '/v1/images/long');
  });
});

it('is given up when it is too old', async () => {
  const other = await RunningController.start({ DODAI_UPLOADS_KEEP_DAYS: '0.000000001' });
  try {
    const headers = (digest: string) => ({
      ...tus,
      'upload-length': '5',
      'upload-metadata': `digest ${base64(digest)}`,
    });
    await other.fetch('POST', '/v1/uploads', { headers: headers('a'.repeat(64)) });
    await other.fetch('POST', '/v1/uploads', { headers: headers('b'.repeat(64)) });
    const left = await readdir(join(other.dataDir, 'uploads'));
    expect(left.every((name) => name.startsWith('b'))).toBe(true);
  } finally {
    await other.end();
  }
});
