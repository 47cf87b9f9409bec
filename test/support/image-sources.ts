import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { ImageLibrary, Room, type StoredImage } from '#images';
import { ExecaProcessRunner, type ImageLimits, type ImagePreallocation, StreamingProcesses } from '#platform';

export const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** Programs of an administrator are not on everybody's path. */
export const run = (program: string, args: readonly string[]) =>
  execa(program, args, { env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` } });

/** What a library works with; `told` hears its warnings. */
export function imageTools(
  limits: Partial<ImageLimits> = {},
  preallocation: ImagePreallocation = 'none',
  told: unknown[] = [],
) {
  const runner = new ExecaProcessRunner();
  return {
    processes: new StreamingProcesses(),
    runner,
    limits: { maxBytes: 16 * 1024 * 1024, convertMs: 60_000, ...limits },
    room: new Room(preallocation, runner, { warn: (...words: unknown[]) => void told.push(words) }),
  };
}

export const openLibrary = (directory: string, limits: Partial<ImageLimits> = {}) =>
  ImageLibrary.open(directory, imageTools(limits));

/** In pieces, as a network delivers them. */
export function* pieces(data: Buffer, bytes = 65_536): Generator<Buffer> {
  for (let at = 0; at < data.length; at += bytes) yield data.subarray(at, at + bytes);
}

export const importBytes = (library: ImageLibrary, data: Buffer, expectedSha256 = sha256(data)) =>
  library.import(Readable.from(pieces(data), { objectMode: false }), {
    expectedSha256,
    expectedBytes: data.length,
  });

/** What a machine has on its disk: each chunk unpacked by itself, checked and put in its place among zeros. */
export async function written(
  library: ImageLibrary,
  image: Pick<StoredImage, 'sha256' | 'uncompressedBytes'>,
): Promise<Buffer> {
  const disk = Buffer.alloc(image.uncompressedBytes);
  const list = (await buffer(library.openList(image))).toString();
  for (const line of list.split('\n').slice(0, -1)) {
    const [offset = 0, length = 0, packedAt = 0, packedLength = 0] = line.split(' ').map(Number);
    const range = { start: packedAt, end: packedAt + packedLength - 1 };
    const input = await buffer(library.openForStreaming(image, range));
    const data = (
      await execa('zstd', ['-d', '-q', '-c'], { input, encoding: 'buffer', stripFinalNewline: false })
    ).stdout;
    if (data.length !== length || sha256(data) !== line.split(' ')[4])
      throw new Error(`not as listed: ${line}`);
    disk.set(data, offset);
  }
  return disk;
}
