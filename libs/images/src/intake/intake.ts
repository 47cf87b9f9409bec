import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { ImageProgress } from '#core';
import { recogniseImage } from '../image-kinds.js';
import type { Tools } from '../tools.js';
import { checkDigest, checkLength, checkSize, checkWhole } from './import-checks.js';
import { JointWork, type Stage } from './joint-work.js';
import { type Packing, packingOf, type Unpacker, unpackers } from './packing.js';
import { peek } from './source-head.js';
import { SparseFile } from './sparse-file.js';
import { chunkBytes, DigestTap, HeadTap } from './stream-meters.js';

export interface ImportRequest {
  /** Of the source, as the operator has it; lower-case hexadecimal. Each that is given is checked. */
  expectedSha256?: string;
  expectedSha512?: string;
  /** What the sender announced; undefined: it did not say. */
  expectedBytes?: number;
  /** Of the packed chunks, when they were here before. */
  storedBytes?: number;
  signal?: AbortSignal;
  /** Told of all that follows when the file has come; how it comes is known to whoever sends it. */
  onProgress?: (progress: ImageProgress) => void;
}

/** Where what is in a disk image goes. */
export const diskBeside = (file: string): string => join(dirname(file), 'disk');

type Found = ReturnType<typeof recogniseImage>;

/** What came, unpacked. */
export interface Taken {
  sourceSha256: string;
  found: Found;
}

/** Reads a source to its end into a file, unpacked, and checks all that can be checked on the way. Good for one image. */
export class Intake {
  private readonly source: DigestTap<'sha256' | 'sha512'>;
  private readonly content: HeadTap<Found>;
  private readonly work: JointWork;
  private readonly maxBytes: number;
  private packing: Packing = 'raw';

  /** `file`: where the content goes; it must not exist. */
  constructor(
    private readonly request: ImportRequest,
    private readonly file: string,
    private readonly tools: Tools,
  ) {
    const { maxBytes } = tools.limits;
    this.maxBytes = maxBytes;
    this.work = new JointWork(request.signal);
    this.source = new DigestTap(request.expectedSha512 === undefined ? ['sha256'] : ['sha256', 'sha512']);
    this.content = new HeadTap<Found>(
      (head) => this.recognise(head),
      (bytes) => checkSize(`it unpacks to ${bytes} bytes and more`, bytes, maxBytes),
      (found) => this.makeRoom(found),
    );
  }

  /** Throws what `ImageLibrary.import` says; the file is then not whole. */
  async take(source: Readable): Promise<Taken> {
    const { request, maxBytes } = this;
    checkSize(`${request.expectedBytes} bytes were announced`, request.expectedBytes ?? 0, maxBytes);
    const { head, all } = await peek(source);
    const input = Readable.from(all, { objectMode: false, highWaterMark: chunkBytes });
    const handle = await open(this.file, 'wx');
    try {
      await this.run(head, input, handle);
      return this.check();
    } finally {
      await handle.close();
    }
  }

  private async run(head: Buffer, input: Readable, handle: FileHandle): Promise<void> {
    const { work, source, content } = this;
    const { signal } = work;
    const disk = new SparseFile(handle);
    const packing = packingOf(head);
    this.packing = packing;
    if (packing === 'raw') {
      await work.done([], [pipeline(input, source, content, disk, { signal })]);
    } else if (packing === 'gzip') {
      const unpack = createGunzip({ chunkSize: chunkBytes });
      await work.done([], [pipeline(input, source, unpack, content, disk, { signal })]);
    } else {
      const unpack = this.start(unpackers[packing]);
      const packed = pipeline(input, source, unpack.stdin, { signal });
      const unpacked = pipeline(unpack.stdout, content, disk, { signal });
      await work.done([unpack], [packed, unpacked]);
    }
  }

  private start({ program, args }: Unpacker): Stage {
    return { program, ...this.tools.processes.start(program, args, this.work.signal) };
  }

  private recognise(head: Buffer): Found {
    const found = recogniseImage(head);
    const { called, sizeBytes = 0 } = found;
    checkSize(`it is ${called} of ${sizeBytes} bytes`, sizeBytes, this.maxBytes);
    return found;
  }

  /** For the content, and for the disk that is in a disk image: as soon as it is known how large they are. */
  private async makeRoom({ use, sizeBytes, fileBytes }: Found): Promise<void> {
    const { room } = this.tools;
    const isContainer = use.as === 'container';
    const unpacked = isContainer ? fileBytes : sizeBytes;
    await room.allocate(this.file, this.packing === 'raw' ? this.request.expectedBytes : unpacked);
    if (isContainer) await room.allocate(diskBeside(this.file), sizeBytes);
  }

  private check(): Taken {
    const { source, content, request } = this;
    const { bytes } = source;
    const found = content.whatItIs();
    checkLength(request.expectedBytes, bytes);
    const sourceSha256 = source.digest('sha256');
    checkDigest({ called: 'SHA-256', expected: request.expectedSha256, found: sourceSha256 }, bytes);
    const sourceSha512 = source.digest('sha512');
    checkDigest({ called: 'SHA-512', expected: request.expectedSha512, found: sourceSha512 }, bytes);
    const mustBe = found.use.as === 'container' ? found.fileBytes : found.sizeBytes;
    checkWhole(found, mustBe, content.bytes);
    return { sourceSha256, found };
  }
}
