import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageLibrary } from '#images';
import { StreamingProcesses } from '#platform';

const fileSystemBytes = 8 * 1024 * 1024;
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const processes = new StreamingProcesses();

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

/** In pieces, as a network delivers them. */
function* pieces(data: Buffer, bytes = 65_536): Generator<Buffer> {
  for (let at = 0; at < data.length; at += bytes) yield data.subarray(at, at + bytes);
}

const importBytes = (data: Buffer, expectedSha256 = sha256(data)) =>
  library.import(Readable.from(pieces(data), { objectMode: false }), {
    expectedSha256,
    expectedBytes: data.length,
  });

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dodai-images-'));
  for (const type of ['ext2', 'ext3', 'ext4']) made[type] = await makeFileSystem(type);
  made.zstd = await compress('zstd', image('ext4'));
  made.gzip = await compress('gzip', image('ext4'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(scratch, 'library-'));
  library = await ImageLibrary.open(directory, processes);
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
    const unpacked = await execa('zstd', ['-d', '-c'], { input: file, encoding: 'buffer' });
    expect(sha256(Buffer.from(unpacked.stdout))).toBe(stored.sourceSha256);
  });

  it('is kept as it is when it is compressed with zstd already', async () => {
    const stored = await importBytes(image('zstd'));
    expect(stored).toEqual({
      sha256: sha256(image('zstd')),
      sourceSha256: sha256(image('zstd')),
      compressedBytes: image('zstd').length,
      uncompressedBytes: fileSystemBytes,
      fileSystem: 'ext4',
    });
  });

  it('is packed anew when it is compressed with gzip', async () => {
    const stored = await importBytes(image('gzip'));
    expect(stored).toMatchObject({ fileSystem: 'ext4', uncompressedBytes: fileSystemBytes });
  });

  it('may be imported a second time', async () => {
    expect(await importBytes(image('zstd'))).toEqual(await importBytes(image('zstd')));
    expect(await readdir(directory)).toHaveLength(1);
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
    const part = await buffer(library.openForStreaming(stored, { start: 10, end: 19 }));
    expect(part).toEqual(image('zstd').subarray(10, 20));
  });

  it('is gone when it is removed', async () => {
    const stored = await importBytes(image('zstd'));
    await library.remove(stored);
    await expect(library.sizeBytes(stored)).rejects.toMatchObject({ code: 'image-not-found' });
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

  it.each([
    ['nothing at all', Buffer.alloc(0), 'is empty'],
    ['a text', Buffer.from('hello'), 'no ext2, ext3 or ext4 superblock'],
    ['four zero bytes and no more', Buffer.alloc(4), 'no ext2, ext3 or ext4 superblock'],
    ['a qcow2 image', Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(5000)]), 'qcow2'],
    [
      'a whole disk',
      Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa]), Buffer.alloc(5000)]),
      'partition',
    ],
  ])('%s', async (_what, data, said) => {
    await refused(importBytes(data), { code: 'image-invalid', message: expect.stringContaining(said) });
  });

  it('zstd data that is no file system', async () => {
    await refused(importBytes(await compress('zstd', randomBytes(100_000))), { code: 'image-invalid' });
  });

  it.each(['zstd', 'gzip'])('%s data that was cut short', async (packing) => {
    const data = image(packing);
    await refused(importBytes(data.subarray(0, data.length - 1000)), {
      code: 'image-invalid',
      message: expect.stringContaining('cannot be decompressed'),
    });
  });

  it.each(['zstd', 'gzip'])('%s data with a damaged middle', async (packing) => {
    const data = Buffer.from(image(packing));
    data.fill(0xff, 1_000_000, 1_000_064);
    await refused(importBytes(data), { code: 'image-invalid' });
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
      name: 'AbortError',
    });
  });

  it.each(['zstd', 'ext4'])('a %s image for which the disk has no space', async (name) => {
    directory = await mkdtemp(join(scratch, 'small-'));
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      library = await ImageLibrary.open(directory, processes);
      await refused(importBytes(image(name)), { code: 'disk-full' });
    } finally {
      await execa('umount', [directory]);
    }
  });

  it('an import that a crash interrupted, at the next start', async () => {
    await mkdir(join(directory, 'incoming-x'));
    await writeFile(join(directory, 'incoming-x', 'image'), 'half');
    await ImageLibrary.open(directory, processes);
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
