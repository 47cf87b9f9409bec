import { type FileHandle, open } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { ImageLimits, StreamingProcesses } from '#platform';
import { checkDigest, checkLength, checkSize, checkWhole } from './import-checks.js';
import { recogniseFileSystem } from './image-kinds.js';
import { JointWork, type Stage } from './joint-work.js';
import type { Finding } from './kinds/kind.js';
import { packer, packingOf, type Unpacker, unpackers } from './packing.js';
import { peek } from './source-head.js';
import { chunkBytes, DigestTap, FileTap, HeadTap } from './stream-meters.js';

export interface ImportRequest {
  /** Of the source, as the operator has it; lower-case hexadecimal. Each that is given is checked. */
  expectedSha256?: string;
  expectedSha512?: string;
  /** What the sender announced; undefined: it did not say. */
  expectedBytes?: number;
  signal?: AbortSignal;
}

export interface StoredImage {
  sha256: string;
  sourceSha256: string;
  compressedBytes: number;
  uncompressedBytes: number;
  fileSystem: string;
}

/** Reads a source to its end into a file, compressed, and checks all that can be checked. Good for one image. */
export class ImageIntake {
  private readonly source: DigestTap<'sha256' | 'sha512'>;
  private readonly content: HeadTap<Finding>;
  private readonly stored = new DigestTap(['sha256']);
  private readonly work: JointWork;

  constructor(
    private readonly request: ImportRequest,
    private readonly processes: StreamingProcesses,
    private readonly limits: ImageLimits,
  ) {
    this.work = new JointWork(request.signal);
    this.source = new DigestTap(request.expectedSha512 === undefined ? ['sha256'] : ['sha256', 'sha512']);
    this.content = new HeadTap<Finding>(
      (head) => this.recognise(head),
      (bytes) => checkSize(`it unpacks to ${bytes} bytes and more`, bytes, limits.maxBytes),
    );
  }

  /** Throws what `ImageLibrary.import` says; the file is then not whole. */
  async take(source: Readable, file: string): Promise<StoredImage> {
    const { request, limits } = this;
    checkSize(`${request.expectedBytes} bytes were announced`, request.expectedBytes ?? 0, limits.maxBytes);
    const { head, all } = await peek(source);
    const input = Readable.from(all, { objectMode: false, highWaterMark: chunkBytes });
    const handle = await open(file, 'wx');
    try {
      await this.run(head, input, handle);
      const image = this.check();
      await handle.sync();
      return image;
    } finally {
      await handle.close();
    }
  }

  private async run(head: Buffer, input: Readable, handle: FileHandle): Promise<void> {
    const { work, source, content, stored } = this;
    const { signal } = work;
    const disk = new FileTap(handle);
    const packing = packingOf(head);
    if (packing === 'zstd') {
      // Stored as it came; decompressed only to see what it is and that it is whole.
      const zstd = this.start(unpackers.zstd);
      await work.done(
        [zstd],
        [
          pipeline(input, source, disk, stored, zstd.stdin, { signal }),
          pipeline(zstd.stdout, content, nowhere(), { signal }),
        ],
      );
      return;
    }
    const zstd = this.start(packer);
    const kept = pipeline(zstd.stdout, stored, disk, nowhere(), { signal });
    if (packing === 'raw') {
      await work.done([zstd], [pipeline(input, source, content, zstd.stdin, { signal }), kept]);
    } else if (packing === 'gzip') {
      const unpack = createGunzip({ chunkSize: chunkBytes });
      await work.done([zstd], [pipeline(input, source, unpack, content, zstd.stdin, { signal }), kept]);
    } else {
      const unpack = this.start(unpackers[packing]);
      const packed = pipeline(input, source, unpack.stdin, { signal });
      const unpacked = pipeline(unpack.stdout, content, zstd.stdin, { signal });
      await work.done([unpack, zstd], [packed, unpacked, kept]);
    }
  }

  private start({ program, args }: Unpacker): Stage {
    return { program, ...this.processes.start(program, args, this.work.signal) };
  }

  private recognise(head: Buffer): Finding {
    const found = recogniseFileSystem(head);
    const { type, sizeBytes } = found;
    checkSize(`the ${type} file system in it has ${sizeBytes} bytes`, sizeBytes ?? 0, this.limits.maxBytes);
    return found;
  }

  private check(): StoredImage {
    const { source, stored, content, request } = this;
    const { bytes } = source;
    const fileSystem = content.whatItIs();
    checkLength(request.expectedBytes, bytes);
    const sourceSha256 = source.digest('sha256');
    checkDigest({ called: 'SHA-256', expected: request.expectedSha256, found: sourceSha256 }, bytes);
    const sourceSha512 = source.digest('sha512');
    checkDigest({ called: 'SHA-512', expected: request.expectedSha512, found: sourceSha512 }, bytes);
    checkWhole(fileSystem, content.bytes);
    return {
      sha256: stored.digest('sha256'),
      sourceSha256,
      compressedBytes: stored.bytes,
      uncompressedBytes: content.bytes,
      fileSystem: fileSystem.type,
    };
  }
}

function nowhere(): Writable {
  return new Writable({ highWaterMark: chunkBytes, write: (_chunk, _encoding, done) => done() });
}
