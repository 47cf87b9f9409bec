import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageLibrary } from '#images';
import { imageTools, pieces, run, sha256, written } from '../support/image-sources.js';

const MiB = 1024 * 1024;
const convertMs = 60_000;
let scratch: string;
/** An ext4 file system of 16 MiB with nearly nothing in it, and the same as a qcow2. */
let plain: Buffer;
let qcow2: Buffer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dodai-image-preallocation-'));
  const [raw, disk] = [join(scratch, 'raw'), join(scratch, 'qcow2')];
  await run('mke2fs', ['-q', '-t', 'ext4', raw, '16M']);
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, disk]);
  [plain, qcow2] = [await readFile(raw), await readFile(disk)];
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const library = (directory: string, preallocation: 'none' | 'space', told: unknown[] = []) =>
  ImageLibrary.open(directory, imageTools({ maxBytes: 64 * MiB, convertMs }, preallocation, told));

/** The file as it comes; of one that `stops`, no more than the beginning ever does. */
function source(data: Buffer, stops: boolean): Readable {
  async function* sent() {
    for (const piece of pieces(data)) {
      yield piece;
      if (stops && piece.byteOffset - data.byteOffset > 2 * 65_536) await new Promise(() => undefined);
    }
  }
  return Readable.from(sent(), { objectMode: false });
}

const request = (data: Buffer) => ({ expectedSha256: sha256(data), expectedBytes: data.length });

/** Gives a folder on a disk of so many MiB; `ramfs` has none to allocate. */
async function onDisk(type: 'tmpfs' | 'ramfs', sizeMib: number, work: (directory: string) => Promise<void>) {
  const directory = await mkdtemp(join(scratch, 'disk-'));
  await run('mount', ['-t', type, '-o', `size=${sizeMib}m`, type, directory]);
  try {
    await work(directory);
  } finally {
    await run('umount', [directory]);
  }
}

describe('on a disk that is too small for all of an image, zeros and all,', () => {
  it.each([
    ['a file system', () => plain],
    ['what is in a qcow2', () => qcow2],
  ])('%s is imported when no room is allocated', async (_what, data) => {
    await onDisk('tmpfs', 12, async (directory) => {
      const images = await library(directory, 'none');
      const stored = await images.import(source(data(), false), request(data()));
      expect(sha256(await written(images, stored))).toBe(sha256(plain));
    });
  });

  it.each([
    ['a file system', () => plain],
    ['what is in a qcow2', () => qcow2],
  ])('%s is refused after its first bytes when room is allocated', async (_what, data) => {
    await onDisk('tmpfs', 12, async (directory) => {
      const images = await library(directory, 'space');
      const importing = images.import(source(data(), true), request(data()));
      await expect(importing).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining(directory),
        remedy: expect.any(String),
      });
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it('nothing is read of one whose packed form is known not to fit', async () => {
    await onDisk('tmpfs', 12, async (directory) => {
      const images = await library(directory, 'space');
      const unread = new Readable({ read: () => expect.fail('it was read') });
      const importing = images.import(unread, { ...request(plain), storedBytes: 13 * MiB });
      await expect(importing).rejects.toMatchObject({ code: 'disk-full' });
      expect(await readdir(directory)).toEqual([]);
    });
  });
});

it.each([
  ['a file system', () => plain],
  ['what is in a qcow2', () => qcow2],
])('%s with room allocated is the same image, and gives back what it does not need', async (_what, data) => {
  const [roomy, sparing] = [await mkdtemp(join(scratch, 'space-')), await mkdtemp(join(scratch, 'none-'))];
  const images = await library(roomy, 'space');
  const stored = await images.import(source(data(), false), { ...request(data()), storedBytes: 8 * MiB });
  const other = await library(sparing, 'none');
  expect(stored).toEqual(await other.import(source(data(), false), request(data())));
  expect(sha256(await written(images, stored))).toBe(sha256(plain));
  const { blocks } = await stat(join(roomy, `${stored.sha256}.zst`));
  expect(blocks * 512).toBeLessThan(MiB);
});

it('a disk that cannot allocate is told of once, and takes images all the same', async () => {
  await onDisk('ramfs', 0, async (directory) => {
    const told: unknown[] = [];
    const images = await library(directory, 'space', told);
    for (const data of [plain, qcow2]) await images.import(source(data, false), request(data));
    expect(told).toEqual([
      [
        { why: expect.stringContaining('unsupported') },
        expect.stringContaining('DODAI_IMAGE_CACHE_PREALLOCATE'),
      ],
    ]);
  });
});
