import type { FileHandle } from 'node:fs/promises';

/** Content is looked at in blocks of this size, and those that are all zeros are not stored. */
const blockBytes = 1024 * 1024;
/** A machine has a chunk in its memory twice while it writes it, and fetches it again when it came damaged. */
const mostBlocks = 16;

/** A run of the content that is stored, and where. All in bytes. */
export interface Chunk {
  /** In the content. */
  offset: number;
  length: number;
  /** In the stored file; a zstd frame of its own. */
  packedOffset: number;
  packedLength: number;
  /** Of the content's bytes, in hexadecimal: for who reads a disk back. */
  sha256: string;
  /** Of the stored bytes: known to be good before they are unpacked, and of fewer bytes. */
  packedSha256: string;
}

/**
 * The list of an image's chunks: a line for each, in the order of the content, its fields as above with a space between
 * them. What is in no chunk is zeros.
 */
export function chunkList(chunks: readonly Chunk[]): string {
  return chunks
    .map(({ offset, length, packedOffset, packedLength, sha256, packedSha256 }) =>
      [offset, length, packedOffset, packedLength, sha256, packedSha256].join(' '),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The chunks of such a list. */
export function chunksOf(list: string): Chunk[] {
  return list
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const [offset = 0, length = 0, packedOffset = 0, packedLength = 0] = fields.slice(0, 4).map(Number);
      const [sha256 = '', packedSha256 = ''] = fields.slice(4);
      return { offset, length, packedOffset, packedLength, sha256, packedSha256 };
    });
}

/** A run of content that is to become a chunk. */
export interface Run {
  offset: number;
  data: Buffer;
}

const zeros = Buffer.alloc(blockBytes);
const isZeros = (block: Buffer) => block.equals(zeros.subarray(0, block.length));

interface Reading {
  /** The blocks that are all zeros are left out. */
  holes: boolean;
  /** Told how many bytes of the file were read. */
  onRead: (bytes: number) => void;
}

/** The runs of a file, each of whole blocks but for the file's end. */
export async function* runsOf(file: FileHandle, { holes, onRead }: Reading): AsyncGenerator<Run> {
  const { size } = await file.stat();
  onRead(0);
  let run: Buffer[] = [];
  let offset = 0;
  for (let at = 0; at < size; at += blockBytes) {
    const block = await readBlock(file, at, Math.min(blockBytes, size - at));
    onRead(at + block.length);
    const isHole = holes && isZeros(block);
    if (run.length > 0 && (isHole || run.length === mostBlocks)) {
      yield { offset, data: Buffer.concat(run) };
      run = [];
    }
    if (isHole) continue;
    if (run.length === 0) offset = at;
    run.push(block);
  }
  if (run.length > 0) yield { offset, data: Buffer.concat(run) };
}

async function readBlock(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(block, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return block.fill(0, read); // nobody cuts the file short; if so, the digest of what is read is the one that is kept
}
