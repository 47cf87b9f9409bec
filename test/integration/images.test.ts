import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DomainError } from '#core';
import { ImageLibrary, type StoredImage } from '#images';
import { imageTools, importBytes as importInto, pieces, sha256, written } from '../support/image-sources.js';

const fileSystemBytes = 8 * 1024 * 1024;
const limits = { maxBytes: 16 * 1024 * 1024, convertMs: 60_000 };
const sha512 = (data: Buffer) => createHash('sha512').update(data).digest('hex');
const tools = imageTools(limits);

let scratch: string;
let directory: string;
let library: ImageLibrary;
const made: Record<string, Buffer> = {};

async function makeFileSystem(type: string): Promise<Buffer> {
  const content = join(scratch, 'content');
  await mkdir(content, { recursive: true });
  await writeFile(join(content, 'file'), randomBytes(2_000_000));
  const file = join(scratch, type);
  await execa('mke2fs', ['-q', '-t', type, '-d', content, file, '8M'], {
    env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
  });
  return readFile(file);
}

const compress = (program: string, input: Buffer) =>
  execa(program, ['-c', '-q'], { input, encoding: 'buffer' }).then(({ stdout }) => Buffer.from(stdout));

/** The bytes of an image by its name. */
function image(name: string): Buffer {
  const data = made[name];
  if (!data) throw new Error(`no image ${name} was made`);
  return data;
}

const importBytes = (data: Buffer, expectedSha256?: string) => importInto(library, data, expectedSha256);
const unpacked = (stored: StoredImage) => written(library, stored);

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dodai-images-'));
  for (const type of ['ext2', 'ext3', 'ext4']) made[type] = await makeFileSystem(type);
  made.zstd = await compress('zstd', image('ext4'));
  for (const program of ['gzip', 'xz', 'bzip2']) made[program] = await compress(program, image('ext4'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(scratch, 'library-'));
  library = await ImageLibrary.open(directory, tools);
});

describe('an image that is imported', () => {
  it.each(['ext2', 'ext3', 'ext4'])('is compressed when it is a raw %s file system', async (type) => {
    const stored = await importBytes(image(type));
    expect(stored).toMatchObject({
      fileSystem: type,
      uncompressedBytes: fileSystemBytes,
      sourceSha256: sha256(image(type)),
    });
    const file = await buffer(library.openForStreaming(stored));
    expect(sha256(file)).toBe(stored.sha256);
    expect(file.length).toBe(stored.compressedBytes);
    expect(await library.sizeBytes(stored)).toBe(stored.compressedBytes);
    expect(sha256(await unpacked(stored))).toBe(stored.sourceSha256);
  });

  it('has a list of its chunks', async () => {
    const stored = await importBytes(image('ext4'));
    const list = await buffer(library.openList(stored));
    expect(sha256(list)).toBe(stored.chunksSha256);
    expect(await library.listBytes(stored)).toBe(list.length);
    expect(list.toString()).toMatch(/^0 \d+ 0 \d+ [0-9a-f]{64} [0-9a-f]{64}\n/);
    expect(stored).toMatchObject({ kind: 'file_system', format: 'raw' });
    expect(stored.dataBytes).toBeLessThan(fileSystemBytes); // the rest is zeros
  });

  it.each(['zstd', 'gzip', 'xz', 'bzip2'])(
    'is packed anew when it is compressed with %s',
    async (packing) => {
      const stored = await importBytes(image(packing));
      expect(stored).toMatchObject({
        fileSystem: 'ext4',
        uncompressedBytes: fileSystemBytes,
        sourceSha256: sha256(image(packing)),
      });
      expect(sha256(await unpacked(stored))).toBe(sha256(image('ext4')));
    },
  );

  it('may be packed in several streams, as parallel packers make them', async () => {
    const halves = [image('ext4').subarray(0, 4_000_000), image('ext4').subarray(4_000_000)];
    for (const program of ['gzip', 'xz', 'bzip2', 'zstd']) {
      const data = Buffer.concat(await Promise.all(halves.map((half) => compress(program, half))));
      expect(sha256(await unpacked(await importBytes(data)))).toBe(sha256(image('ext4')));
    }
  });

  it('may begin with a frame that zstd skips', async () => {
    const frame = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    expect(await importBytes(Buffer.concat([frame, image('zstd')]))).toMatchObject({ fileSystem: 'ext4' });
  });

  it('may be exactly as large as the limit', async () => {
    const padded = Buffer.concat([image('ext4'), Buffer.alloc(limits.maxBytes - fileSystemBytes)]);
    expect(await importBytes(padded)).toMatchObject({ uncompressedBytes: limits.maxBytes });
  });

  it('may be imported a second time', async () => {
    expect(await importBytes(image('zstd'))).toEqual(await importBytes(image('zstd')));
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('may be told by its SHA-512, alone or beside the other', async () => {
    const data = image('xz');
    const expected = { expectedSha512: sha512(data), expectedBytes: data.length };
    for (const request of [expected, { ...expected, expectedSha256: sha256(data) }])
      expect(await library.import(Readable.from(pieces(data), { objectMode: false }), request)).toMatchObject(
        {
          sourceSha256: sha256(data),
        },
      );
  });

  it('arrives whole when it comes byte by byte at first', async () => {
    const data = image('zstd');
    const source = Readable.from([...pieces(data.subarray(0, 10), 1), data.subarray(10)], {
      objectMode: false,
    });
    expect(await library.import(source, { expectedSha256: sha256(data) })).toMatchObject({
      fileSystem: 'ext4',
    });
  });

  it('is streamed in part when a part is asked for', async () => {
    const stored = await importBytes(image('zstd'));
    const whole = await buffer(library.openForStreaming(stored));
    const part = await buffer(library.openForStreaming(stored, { start: 10, end: 19 }));
    expect(part).toEqual(whole.subarray(10, 20));
    const list = await buffer(library.openList(stored));
    expect(await buffer(library.openList(stored, { start: 2, end: 8 }))).toEqual(list.subarray(2, 9));
  });

  it('is gone when it is removed', async () => {
    const stored = await importBytes(image('zstd'));
    await library.remove(stored);
    await expect(library.sizeBytes(stored)).rejects.toMatchObject({ code: 'image-not-found' });
    await expect(library.listBytes(stored)).rejects.toMatchObject({ code: 'image-not-found' });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('what is not imported leaves nothing behind:', () => {
  const refused = async (importing: Promise<unknown>, error: object) => {
    await expect(importing).rejects.toMatchObject(error);
    expect(await readdir(directory)).toEqual([]);
  };

  it('a file with another digest', async () => {
    const expected = 'a'.repeat(64);
    await refused(importBytes(image('zstd'), expected), {
      code: 'image-checksum-mismatch',
      context: { expected, found: sha256(image('zstd')) },
    });
  });

  it('a file of which only one digest of two is right', async () => {
    const data = image('zstd');
    const both = { expectedSha256: sha256(data), expectedSha512: sha512(data) };
    for (const wrong of [{ expectedSha256: 'a'.repeat(64) }, { expectedSha512: 'a'.repeat(128) }])
      await refused(
        library.import(Readable.from(pieces(data), { objectMode: false }), { ...both, ...wrong }),
        {
          code: 'image-checksum-mismatch',
          message: expect.stringContaining(`SHA-${'expectedSha256' in wrong ? '256' : '512'} aaa`),
        },
      );
  });

  it.each([
    ['nothing at all', Buffer.alloc(0), 'it is empty'],
    ['a text', Buffer.from('hello'), 'it is text ("hello")'],
    ['four zero bytes and no more', Buffer.alloc(4), 'nothing but zeros in its first 4 bytes'],
    ['zeros', Buffer.alloc(1_000_000), 'nothing but zeros'],
    [
      'an error page',
      Buffer.from('<html><title>403 Forbidden</title></html>'),
      'it is a web page ("403 Forbidden")',
    ],
  ])('%s', async (_what, data, said) => {
    await refused(importBytes(data), { code: 'image-invalid', message: expect.stringContaining(said) });
  });

  /** The programs write to a file of 8 MiB. */
  it.each([
    ['swap space', 'mkswap', [], 'it is swap space'],
    ['a journal', 'mke2fs', ['-q', '-O', 'journal_dev'], 'it is the journal of an ext file system'],
  ])('%s, as its program makes it', async (_what, program, args, said) => {
    const file = join(scratch, program);
    await writeFile(file, Buffer.alloc(fileSystemBytes));
    await execa(program, [...args, file], { env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` } });
    await refused(importBytes(await readFile(file)), {
      code: 'image-invalid',
      message: expect.stringContaining(said),
    });
  });

  it('zstd data that is no file system', async () => {
    await refused(importBytes(await compress('zstd', randomBytes(100_000))), { code: 'image-invalid' });
  });

  it.each(['zstd', 'gzip', 'xz', 'bzip2'])('%s data that was cut short', async (packing) => {
    const data = image(packing);
    await refused(importBytes(data.subarray(0, data.length - 1000)), {
      code: 'image-invalid',
      message: expect.stringContaining('cannot be decompressed'),
    });
  });

  it.each(['zstd', 'gzip', 'xz', 'bzip2'])('%s data with a damaged middle', async (packing) => {
    const data = Buffer.from(image(packing));
    data.fill(0xff, 1_000_000, 1_000_064);
    await refused(importBytes(data), { code: 'image-invalid' });
  });

  it.each(['zstd', 'gzip', 'xz', 'bzip2'])('%s data of which only the head came', async (packing) => {
    await refused(importBytes(image(packing).subarray(0, 40)), {
      code: 'image-invalid',
      message: expect.stringContaining('cannot be decompressed'),
    });
  });

  it.each(['zstd', 'xz', 'bzip2'])('%s data that something follows', async (packing) => {
    const data = Buffer.concat([image(packing), Buffer.alloc(2_000_000, 'x')]);
    await refused(importBytes(data), {
      code: 'image-invalid',
      message: expect.stringContaining('cannot be decompressed'),
    });
  });

  it.each([
    ['gzip', 'zstd'],
    ['zstd', 'gzip'],
    ['bzip2', 'xz'],
    ['xz', 'bzip2'],
  ])('%s within %s', async (inner, outer) => {
    await refused(importBytes(await compress(outer, image(inner))), {
      code: 'image-invalid',
      message: expect.stringContaining(`packed twice, with ${inner} inside`),
      remedy: expect.stringContaining('once'),
    });
  });

  it('xz data that needs more memory than it is given', async () => {
    const greedy = await execa('xz', ['-c', '--lzma2=preset=0,dict=512MiB'], {
      input: image('ext4').subarray(0, 100_000),
      encoding: 'buffer',
    });
    await refused(importBytes(Buffer.from(greedy.stdout)), {
      code: 'image-invalid',
      message: expect.stringContaining('Memory usage limit'),
    });
  });

  it.each(['zstd', 'gzip', 'xz', 'bzip2'])('a bomb in %s, as soon as it is too large', async (packing) => {
    const bomb = await compress(packing, Buffer.concat([image('ext4'), Buffer.alloc(64 * 1024 * 1024)]));
    const error = await importBytes(bomb).catch((thrown: unknown) => thrown as DomainError);
    expect(error).toMatchObject({
      code: 'image-too-large',
      message: expect.stringContaining('unpacks to'),
      remedy: expect.stringContaining('DODAI_IMAGE_MAX_GB'),
      context: { field: 'body', maxBytes: limits.maxBytes },
    });
    expect((error as DomainError).context.bytes).toBeLessThan(limits.maxBytes + 2 * 1024 * 1024);
    expect(await readdir(directory)).toEqual([]);
  });

  it('a file system that says itself that it is too large, whatever came of it', async () => {
    const file = join(scratch, 'large');
    await execa('mke2fs', ['-q', '-t', 'ext4', file, '17M'], { env: { PATH: `${process.env.PATH}:/sbin` } });
    await refused(importBytes((await readFile(file)).subarray(0, 1_000_000)), {
      code: 'image-too-large',
      message: expect.stringContaining('it is an ext4 file system of 17825792 bytes'),
    });
  });

  it('what is announced as too large, before it is read', async () => {
    const source = new Readable({ read: () => expect.fail('it was read') });
    await refused(
      library.import(source, { expectedSha256: 'a'.repeat(64), expectedBytes: limits.maxBytes + 1 }),
      { code: 'image-too-large', message: expect.stringContaining('announced') },
    );
  });

  it('a raw file system that was cut short', async () => {
    await refused(importBytes(image('ext4').subarray(0, fileSystemBytes / 2)), {
      code: 'image-invalid',
      message: expect.stringContaining('cut short'),
    });
  });

  it('less than was announced', async () => {
    const data = image('zstd');
    const importing = library.import(Readable.from(pieces(data), { objectMode: false }), {
      expectedSha256: sha256(data),
      expectedBytes: data.length + 1,
    });
    await refused(importing, { code: 'upload-incomplete' });
  });

  it.each(['zstd', 'ext4'])('a %s upload whose sender went away', async (name) => {
    const data = image(name);
    async function* sender() {
      yield* pieces(data.subarray(0, 500_000));
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    }
    const source = Readable.from(sender(), { objectMode: false });
    await refused(library.import(source, { expectedSha256: sha256(data) }), { code: 'upload-incomplete' });
  });

  it('an import that was called off', async () => {
    const abort = new AbortController();
    async function* sender() {
      yield image('ext4').subarray(0, 500_000);
      abort.abort(new Error('shutting down'));
      await new Promise(() => undefined);
    }
    const source = Readable.from(sender(), { objectMode: false });
    await refused(library.import(source, { expectedSha256: 'a'.repeat(64), signal: abort.signal }), {
      message: 'shutting down',
    });
  });

  it.each(['zstd', 'ext4'])('a %s image for which the disk has no space', async (name) => {
    directory = await mkdtemp(join(scratch, 'small-'));
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      library = await ImageLibrary.open(directory, tools);
      await refused(importBytes(image(name)), { code: 'disk-full' });
    } finally {
      await execa('umount', [directory]);
    }
  });

  it('an import that a crash interrupted, at the next start', async () => {
    await mkdir(join(directory, 'incoming-x'));
    await writeFile(join(directory, 'incoming-x', 'image'), 'half');
    await ImageLibrary.open(directory, tools);
    expect(await readdir(directory)).toEqual([]);
  });
});

it('leaves the sender alive when it refuses, so that the sender hears why', async () => {
  const source = Readable.from([randomBytes(100_000), randomBytes(100_000)], {
    objectMode: false,
    autoDestroy: false,
  });
  await expect(library.import(source, { expectedSha256: 'a'.repeat(64) })).rejects.toMatchObject({
    code: 'image-invalid',
  });
  expect(source.destroyed).toBe(false);
  source.resume();
});
