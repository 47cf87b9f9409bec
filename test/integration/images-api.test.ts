import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageView, Page } from '#contract';
import { startIpmiSim } from '../support/ipmi-sim.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { elfHeader, type Files, ImageBench } from '../support/image-tree.js';
import { makeSmallImage, type SmallImage } from '../support/small-image.js';

const type = 'application/octet-stream';
let dataDir: string;
let imagesDir: string;
let dodai: RunningController;
let image: SmallImage;

/** The images of this controller are on a disk of 2 MiB. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dodai-images-api-'));
  await chmod(dataDir, 0o755);
  imagesDir = join(dataDir, 'images');
  await mkdir(imagesDir);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', imagesDir]);
  dodai = await RunningController.start({ DODAI_DATA_DIR: dataDir });
  image = await makeSmallImage(8);
});
afterAll(async () => {
  await dodai?.stop();
  await execa('umount', [imagesDir]);
  await rm(dataDir, { recursive: true, force: true });
});

const uploadPath = (name: string, sha256 = image.sha256) => `/v1/images?name=${name}&sha256=${sha256}`;
const upload = (name: string) => dodai.ask<ImageView>('POST', uploadPath(name), { body: image.data, type });
const digestOf = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest('hex');
const mib = 1024 * 1024;
const sha512 = (data: Uint8Array) => digestOf('sha512', data);
const unpack = async (input: Uint8Array) =>
  (await execa('zstd', ['-d', '-q', '-c'], { input, encoding: 'buffer' })).stdout;
const files = () => readdir(imagesDir);

/** What is stored of a content: its blocks of a MiB that are not all zeros. */
function withoutHoles(content: Uint8Array): Uint8Array {
  const starts = Array.from({ length: Math.ceil(content.length / mib) }, (_, block) => block * mib);
  const blocks = starts.map((start) => content.subarray(start, start + mib));
  return Buffer.concat(blocks.filter((block) => block.some((byte) => byte !== 0)));
}

/** A root file system that meets every requirement, but for these changes. */
async function goodImage(changes: Files): Promise<Uint8Array<ArrayBuffer>> {
  const bench = await ImageBench.make();
  try {
    const file = await bench.ext(await bench.tree(changes));
    return new Uint8Array((await execa('zstd', ['-q', '-c', file], { encoding: 'buffer' })).stdout);
  } finally {
    await bench.remove();
  }
}

describe('an image', () => {
  it('is imported, shown, streamed and deleted', async () => {
    const made = await dodai.ask<ImageView>('POST', `${uploadPath('debian-12')}&defaultUser=debian`, {
      body: image.data,
      type,
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'debian-12',
        kind: 'file_system',
        format: 'raw',
        sourceSha256: image.sha256,
        uncompressedBytes: 8 * 1024 * 1024,
        fileSystem: 'ext4',
        defaultUser: 'debian',
        sourceUrl: null,
      },
    });
    expect((await dodai.ask<Page<ImageView>>('GET', '/v1/images')).body.items).toEqual([made.body]);
    expect((await dodai.ask<ImageView>('GET', '/v1/images/debian-12')).body).toEqual(made.body);
    const streamed = await dodai.fetch('GET', `/boot/images/${made.body.id}`, { token: null });
    expect(streamed.headers.get('content-length')).toBe(String(made.body.compressedBytes));
    const packed = new Uint8Array(await streamed.arrayBuffer());
    expect(digestOf('sha256', packed)).toBe(made.body.sha256);
    expect(sha512(await unpack(packed))).toBe(sha512(withoutHoles(await unpack(image.data))));
    expect((await dodai.ask('DELETE', '/v1/images/debian-12')).status).toBe(204);
    expect(await files()).toEqual([]);
    expect(await dodai.refused('GET', `/boot/images/${made.body.id}`)).toMatchObject({
      status: 404,
      code: 'image-not-found',
    });
  });

  it.each<[string, () => Record<string, string>]>([
    ['its SHA-512', () => ({ sha512: sha512(image.data) })],
    ['both digests', () => ({ sha256: image.sha256, sha512: sha512(image.data) })],
    [
      'a list of digests',
      () => ({ sums: `${'0'.repeat(64)}  other\n${image.sha256} *a b.zst\n`, fileName: 'a b.zst' }),
    ],
    [
      'a list in the manner of BSD',
      () => ({ sums: `SHA512 (a.zst) = ${sha512(image.data)}\n`, fileName: 'a.zst' }),
    ],
  ])('may be told by %s', async (_what, expected) => {
    const query = new URLSearchParams({ name: 'told', ...expected() });
    const made = await dodai.ask<ImageView>('POST', `/v1/images?${query}`, { body: image.data, type });
    expect(made).toMatchObject({ status: 201, body: { sourceSha256: image.sha256 } });
    await dodai.ask('DELETE', '/v1/images/told');
  });

  it('is served in parts, for downloads that go on', async () => {
    const { body } = await upload('parts');
    const get = (headers: Record<string, string>, method = 'GET') =>
      dodai.fetch(method, `/boot/images/${body.id}`, { token: null, headers });
    const packed = new Uint8Array(await (await get({})).arrayBuffer());
    const { length } = packed;
    const part = await get({ range: 'bytes=100-199' });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-199/${length}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(packed.slice(100, 200));
    const rest = await get({ range: `bytes=${length - 5}-` });
    expect(new Uint8Array(await rest.arrayBuffer())).toEqual(packed.slice(-5));
    const beyond = await get({ range: `bytes=${length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${length}`]);
    expect((await get({ range: 'bytes=1-2', 'if-range': '"another"' })).status).toBe(200);
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(length)]);
    await dodai.ask('DELETE', '/v1/images/parts');
  });

  it('has a list of its chunks', async () => {
    const { body } = await upload('chunks');
    const answer = await dodai.fetch('GET', `/boot/images/${body.id}/chunks`, { token: null });
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const list = await answer.text();
    expect(answer.headers.get('etag')).toBe(`"${digestOf('sha256', Buffer.from(list))}"`);
    expect(list).toMatch(/^(\d+ \d+ \d+ \d+ [0-9a-f]{64} [0-9a-f]{64}\n)+$/);
    await dodai.ask('DELETE', '/v1/images/chunks');
    expect(await dodai.refused('GET', `/boot/images/${body.id}/chunks`)).toMatchObject({
      status: 404,
      code: 'image-not-found',
    });
  });

  it('is described, and checked', async () => {
    const body = await goodImage({ 'usr/sbin/sshd': null });
    const path = uploadPath('described', digestOf('sha256', body));
    const made = await dodai.ask<ImageView>('POST', path, { body, type });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect(made.body.description).toMatchObject({
      os: { id: 'debian' },
      installableBootModes: ['bios', 'uefi'],
    });
    expect(made.body.findings.filter(({ result }) => result !== 'ok')).toEqual([
      { check: 'ssh-server', result: 'fault', message: expect.any(String), remedy: expect.any(String) },
    ]);
    expect((await dodai.ask<ImageView>('GET', '/v1/images/described')).body).toEqual(made.body);
    await dodai.ask('DELETE', '/v1/images/described');
  });

  it('may be there under two names, and goes with the last', async () => {
    await upload('one');
    await upload('two');
    expect(await files()).toHaveLength(2);
    await dodai.ask('DELETE', '/v1/images/one');
    expect(await files()).toHaveLength(2);
    await dodai.ask('DELETE', '/v1/images/two');
    expect(await files()).toEqual([]);
  });

  it('has a name of its own', async () => {
    await upload('same');
    expect(await dodai.refused('POST', uploadPath('same'), { body: image.data, type })).toMatchObject({
      status: 409,
      code: 'image-duplicate',
    });
    const both = await Promise.all([1, 2].map(() => upload('raced')));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    for (const name of ['same', 'raced']) await dodai.ask('DELETE', `/v1/images/${name}`);
    expect(await files()).toEqual([]);
  });
});

describe('an import that fails leaves nothing behind:', () => {
  const refused = async (status: number, code: string, path: string, body: Uint8Array<ArrayBuffer>) => {
    const problem = await dodai.refused('POST', path, { body, type });
    expect(problem).toMatchObject({ status, code });
    expect(await files()).toEqual([]);
    expect((await dodai.ask<Page<ImageView>>('GET', '/v1/images')).body.items).toEqual([]);
    return problem;
  };

  it('programs of another processor', async () => {
    const body = await goodImage({ 'usr/bin/dash': elfHeader(183) });
    const problem = await refused(422, 'image-invalid', uploadPath('x', digestOf('sha256', body)), body);
    expect(problem).toMatchObject({ detail: expect.stringContaining('aarch64') });
  });

  it('another digest', async () => {
    const problem = await refused(
      422,
      'image-checksum-mismatch',
      uploadPath('x', 'a'.repeat(64)),
      image.data,
    );
    expect(problem.context).toMatchObject({ expected: 'a'.repeat(64), found: image.sha256 });
  });

  it('another digest than the list says', async () => {
    const query = new URLSearchParams({ name: 'x', sums: `${'a'.repeat(128)}  a\n`, fileName: 'a' });
    const problem = await refused(422, 'image-checksum-mismatch', `/v1/images?${query}`, image.data);
    expect(problem.detail).toContain(`SHA-512 ${'a'.repeat(128)}`);
  });

  it('something of another kind', async () => {
    const body = new Uint8Array(Buffer.from('<html><title>404 Not Found</title></html>'));
    const digest = createHash('sha256').update(body).digest('hex');
    const problem = await refused(422, 'image-invalid', uploadPath('x', digest), body);
    expect(problem).toMatchObject({
      detail: expect.stringContaining('a web page ("404 Not Found")'),
      remedy: expect.stringContaining('Download it again'),
      context: { field: 'body', kind: 'html' },
    });
  });

  it('something that is no image', async () => {
    const data = new Uint8Array(randomBytes(5_000_000));
    const sha256 = createHash('sha256').update(data).digest('hex');
    await refused(422, 'image-invalid', uploadPath('x', sha256), data);
    await refused(422, 'image-invalid', uploadPath('x', sha256), new Uint8Array());
  });

  it('a full disk', async () => {
    const filler = await makeSmallImage(8);
    const large = new Uint8Array([...filler.data]);
    const raw = new Uint8Array(
      (await execa('zstd', ['-d', '-c'], { input: large, encoding: 'buffer' })).stdout,
    );
    for (let at = 2_000_000; at < 6_000_000; at += 65_536) raw.set(randomBytes(65_536), at); // what does not compress
    const sha256 = createHash('sha256').update(raw).digest('hex');
    const problem = await refused(507, 'disk-full', uploadPath('x', sha256), raw);
    expect(problem.remedy).toContain('more space');
  });

  it('a sender that goes away', async () => {
    const { port } = new URL(dodai.url);
    const headers = {
      authorization: `Bearer ${dodai.token}`,
      'content-type': type,
      'content-length': image.data.length,
    };
    const asked = request({ host: '127.0.0.1', port, method: 'POST', path: uploadPath('x'), headers });
    asked.on('error', () => undefined);
    asked.write(image.data.subarray(0, image.data.length / 2));
    await expect.poll(files).toHaveLength(1); // it has begun
    asked.destroy();
    await expect.poll(files).toEqual([]);
    expect((await dodai.ask<Page<ImageView>>('GET', '/v1/images')).body.items).toEqual([]);
  });

  it.each([
    ['name', '/v1/images?name=a/b&sha256=' + 'a'.repeat(64)],
    ['name', '/v1/images?sha256=' + 'a'.repeat(64)],
    ['sha256', '/v1/images?name=x&sha256=abc'],
    ['sha256', '/v1/images?name=x'],
    ['sha512', '/v1/images?name=x&sha512=' + 'a'.repeat(64)],
    ['sums', `/v1/images?name=x&sums=${'a'.repeat(64)}++b&fileName=a`],
    ['sums', `/v1/images?name=x&sums=hello&fileName=a`],
    ['sums', `/v1/images?name=x&sums=${'a'.repeat(64)}++a&fileName=a&sha256=${'a'.repeat(64)}`],
    ['fileName', `/v1/images?name=x&sums=${'a'.repeat(64)}++a`],
    ['fileName', `/v1/images?name=x&sha256=${'a'.repeat(64)}&fileName=a`],
    ['defaultUser', `/v1/images?name=x&sha256=${'a'.repeat(64)}&defaultUser=Root%20x`],
  ])('a bad %s, which is named', async (field, path) => {
    const problem = await refused(400, 'invalid-request', path, image.data);
    expect(problem.errors?.map((fault) => fault.field)).toEqual([field]);
  });

  it('a body of another type', async () => {
    const problem = await dodai.refused('POST', uploadPath('x'), { body: 'a', type: 'text/plain' });
    expect(problem).toMatchObject({
      status: 400,
      remedy: expect.stringContaining('application/octet-stream'),
    });
  });
});

it('refuses to delete an image that an instance uses', async () => {
  await upload('used');
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, ...sizes },
  });
  const bmc = await startIpmiSim();
  try {
    await dodai.ask('POST', '/v1/machines?wait=verified', { body: machineNumber(1, { bmcPort: bmc.port }) });
    const body = { hostName: 'db1', image: 'used', instanceType: 'standard' };
    expect((await dodai.ask('POST', '/v1/instances', { body })).status).toBe(202);
    expect(await dodai.refused('DELETE', '/v1/images/used')).toMatchObject({
      status: 409,
      code: 'image-in-use',
    });
    expect(await dodai.refused('DELETE', '/v1/machines/m1')).toMatchObject({
      status: 409,
      code: 'machine-in-use',
    });
    expect(await dodai.refused('DELETE', '/v1/instance-types/standard')).toMatchObject({
      status: 409,
      code: 'instance-type-in-use',
    });
    expect(await files()).toHaveLength(2);
  } finally {
    await bmc.stop();
  }
});
