import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ImagePreallocation, Logger, ProcessRunner } from '#platform';
import { diskFull } from './disk-full.js';

/** The kernel does it at once, where it can. */
const timeoutMs = 60_000;

/** Room on the disk for files of images, before anything is written to them: then a full disk is found out first, not last. */
export class Room {
  private isToldOf = false;

  constructor(
    private readonly preallocation: ImagePreallocation,
    private readonly runner: ProcessRunner,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** What an image that is stored takes while it is made anew: unpacked, to be looked at, and packed. Zeros take none as a rule. */
  workBytes(image: { uncompressedBytes: number; dataBytes: number; compressedBytes: number }): number {
    const content = this.preallocation === 'space' ? image.uncompressedBytes : image.dataBytes;
    return content + image.compressedBytes;
  }

  /**
   * Takes the room for so many bytes; the file keeps its length, and what it does not need goes when it is cut to that.
   * `undefined`: nobody knows how many. Throws DomainError `disk-full`.
   */
  async allocate(file: string, bytes: number | undefined): Promise<void> {
    if (this.preallocation === 'none' || !bytes) return;
    await (await open(file, 'a')).close(); // it may be missing
    const args = ['--keep-size', `--length=${bytes}`, file];
    const { exitCode, stderr } = await this.runner.run('fallocate', args, {
      env: { LC_ALL: 'C' },
      timeoutMs,
    });
    if (exitCode === 0) return;
    if (/No space left|Disk quota exceeded/.test(stderr)) throw diskFull(dirname(dirname(file)));
    this.tell(stderr.trim());
  }

  private tell(why: string): void {
    if (this.isToldOf) return;
    this.isToldOf = true;
    this.logger.warn(
      { why },
      'room for images cannot be allocated on the disk of the data directory; DODAI_IMAGE_CACHE_PREALLOCATE is as good as none',
    );
  }
}
