import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamingProcesses } from '#platform';
import type { Chunk } from '../../libs/images/src/stored/chunks.js';
import { ChunkWriter, type StoredForm } from '../../libs/images/src/stored/chunk-writer.js';

const MiB = 1024 * 1024;
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
let scratch: string;
let count = 0;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dodai-chunks-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Content of so many MiB, with these bytes at these places and zeros elsewhere. */
async function contentOf(bytes: number, ...pieces: [at: number, data: Buffer][]): Promise<string> {
  const file = join(scratch, `content-${++count}`);
  const handle = await open(file, 'w');
  for (const [at, data] of pieces) await handle.write(data, 0, data.length, at);
  await handle.truncate(bytes);
  await handle.close();
  return file;
}

interface Stored extends StoredForm {
  chunks: string;
  list: string;
  lines: Chunk[];
}

async function store(content: string, holes = true, signal?: AbortSignal): Promise<Stored> {
  const to = { chunks: join(scratch, `chunks-${++count}`), list: join(scratch, `list-${count}`) };
  const stored = await new ChunkWriter(new StreamingProcesses(), signal).write(content, to, { holes });
  const lines = (await readFile(to.list, 'utf8')).split('\n').slice(0, -1);
  return {
    ...stored,
    ...to,
    lines: lines.map((line) => {
      const [offset = NaN, length = NaN, packedOffset = NaN, packedLength = NaN] = line
        .split(' ')
        .map(Number);
      const [, , , , content = '', packedSha256 = ''] = line.split(' ');
      return { offset, length, packedOffset, packedLength, sha256: content, packedSha256 };
    }),
  };
}

const unpack = async (input: Buffer) =>
  Buffer.from(
    (await execa('zstd', ['-d', '-q', '-c'], { input, encoding: 'buffer', stripFinalNewline: false })).stdout,
  );

/** What a machine has on its disk: each chunk unpacked by itself, checked and put in its place among zeros. */
async function written({ lines, chunks, uncompressedBytes }: Stored): Promise<Buffer> {
  const disk = Buffer.alloc(uncompressedBytes);
  const packed = await readFile(chunks);
  for (const line of lines) {
    const stored = packed.subarray(line.packedOffset, line.packedOffset + line.packedLength);
    expect(sha256(stored)).toBe(line.packedSha256);
    const data = await unpack(stored);
    expect([data.length, sha256(data)]).toEqual([line.length, line.sha256]);
    data.copy(disk, line.offset);
  }
  return disk;
}

const where = ({ lines }: Stored) => lines.map(({ offset, length }) => [offset / MiB, length / MiB]);

describe('the chunks of a content', () => {
  it('are what is not zeros, in blocks of 1 MiB', async () => {
    const content = await contentOf(
      40 * MiB,
      [3 * MiB, randomBytes(2 * MiB)],
      [10 * MiB + 77, Buffer.from('x')],
    );
    const stored = await store(content);
    expect(where(stored)).toEqual([
      [3, 2],
      [10, 1],
    ]);
    expect(stored).toMatchObject({ uncompressedBytes: 40 * MiB, dataBytes: 3 * MiB });
    expect((await written(stored)).equals(await readFile(content))).toBe(true);
  });

  it('are 16 MiB long at most, and the last ends with the content', async () => {
    const content = await contentOf(33 * MiB + 100, [0, randomBytes(33 * MiB + 100)]);
    const stored = await store(content);
    expect(where(stored)).toEqual([
      [0, 16],
      [16, 16],
      [32, 1 + 100 / MiB],
    ]);
    expect((await written(stored)).equals(await readFile(content))).toBe(true);
  });

  it('lie one after another, and the file and the list are known by their digests', async () => {
    const content = await contentOf(50 * MiB, [0, randomBytes(20 * MiB)], [30 * MiB, randomBytes(20 * MiB)]);
    const stored = await store(content);
    let end = 0;
    for (const { packedOffset, packedLength } of stored.lines) {
      expect(packedOffset).toBe(end);
      end += packedLength;
    }
    expect(sha256(await readFile(stored.chunks))).toBe(stored.sha256);
    expect(sha256(await readFile(stored.list))).toBe(stored.chunksSha256);
    expect((await stat(stored.chunks)).size).toBe(stored.compressedBytes);
  });

  it('unpack as one stream to all that is not a hole', async () => {
    const content = await contentOf(9 * MiB, [0, randomBytes(MiB)], [5 * MiB, randomBytes(MiB)]);
    const stored = await store(content);
    const bytes = await readFile(content);
    const expected = Buffer.concat([bytes.subarray(0, MiB), bytes.subarray(5 * MiB, 6 * MiB)]);
    expect((await unpack(await readFile(stored.chunks))).equals(expected)).toBe(true);
  });

  it('have no holes when there are to be none', async () => {
    const stored = await store(await contentOf(18 * MiB, [0, Buffer.from('tar')]), false);
    expect(where(stored)).toEqual([
      [0, 16],
      [16, 2],
    ]);
    expect(stored.dataBytes).toBe(18 * MiB);
  });

  it('are the same whenever they are made', async () => {
    const content = await contentOf(36 * MiB, [0, randomBytes(34 * MiB)]);
    const both = [await store(content), await store(content)];
    expect(both[0]?.sha256).toBe(both[1]?.sha256);
  });

  it('are another file when only the holes are elsewhere', async () => {
    const data = randomBytes(MiB);
    const both = [
      await store(await contentOf(9 * MiB, [0, data])),
      await store(await contentOf(9 * MiB, [MiB, data])),
    ];
    expect(both[0]?.sha256).not.toBe(both[1]?.sha256);
  });
});

it('stops packing when it is called off', async () => {
  const abort = new AbortController();
  abort.abort(new Error('shutting down'));
  await expect(store(await contentOf(MiB, [0, randomBytes(MiB)]), true, abort.signal)).rejects.toThrow();
});
