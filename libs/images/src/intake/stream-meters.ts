import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { bytesToRecognise } from '../kinds/kind.js';

export const chunkBytes = 1024 * 1024;

/** A stage that everything passes through unchanged, and that has a look at it. */
abstract class Tap extends Transform {
  bytes = 0;

  constructor() {
    super({ highWaterMark: chunkBytes });
  }

  protected abstract look(chunk: Buffer): void | Promise<void>;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.bytes += chunk.length;
    Promise.resolve()
      .then(() => this.look(chunk))
      .then(() => callback(null, chunk), callback);
  }
}

export class DigestTap<Algorithm extends string> extends Tap {
  private readonly hashes: ReadonlyMap<Algorithm, Hash>;

  /** `algorithms`: by the names that node:crypto has for them. */
  constructor(algorithms: readonly Algorithm[]) {
    super();
    this.hashes = new Map(algorithms.map((algorithm) => [algorithm, createHash(algorithm)]));
  }

  protected look(chunk: Buffer): void {
    for (const hash of this.hashes.values()) hash.update(chunk);
  }

  /** In hexadecimal; once, after the end. An algorithm that was not asked for gives ''. */
  digest(algorithm: Algorithm): string {
    return this.hashes.get(algorithm)?.digest('hex') ?? '';
  }
}

/**
 * Keeps the head of what passes. `recognise` throws when it is nothing to keep, `prepare` when there is no room for it,
 * `measure` when there is too much of it; all stop the stream.
 */
export class HeadTap<Recognised> extends Tap {
  private recognised: Recognised | undefined;
  private head = Buffer.alloc(0);

  constructor(
    private readonly recognise: (head: Buffer) => Recognised,
    private readonly measure: (bytes: number) => void,
    private readonly prepare: (recognised: Recognised) => Promise<void>,
  ) {
    super();
  }

  protected async look(chunk: Buffer): Promise<void> {
    this.measure(this.bytes);
    if (this.recognised !== undefined) return;
    this.head = Buffer.concat([this.head, chunk]).subarray(0, bytesToRecognise);
    if (this.head.length < bytesToRecognise) return;
    this.recognised = this.recognise(this.head);
    await this.prepare(this.recognised);
  }

  /**
   * After the end. A head that came short is looked at only now, when it is known that it is the whole content and
   * not what a damaged file left of it.
   */
  whatItIs(): Recognised {
    this.recognised ??= this.recognise(this.head);
    return this.recognised;
  }
}
