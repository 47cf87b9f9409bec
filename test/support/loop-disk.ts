import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const mib = 1024 * 1024;

interface Kind {
  mib: number;
  /** False: one that takes no discard, because the file behind it cannot have holes. */
  discards?: boolean;
  readOnly?: boolean;
  /** One that was never written to. */
  blank?: boolean;
  /** Default 512. */
  sectorBytes?: 512 | 4096;
}

/** A real block device full of random bytes, so that discard, zeroing and direct reads are the kernel's own. */
export class LoopDisk {
  private constructor(
    readonly path: string,
    private readonly directory: string,
    readonly file: string,
    readonly sizeBytes: number,
    private readonly isMounted: boolean,
  ) {}

  static async make({
    mib: size,
    discards = true,
    readOnly = false,
    blank = false,
    sectorBytes = 512,
  }: Kind): Promise<LoopDisk> {
    const directory = await mkdtemp(join(tmpdir(), 'loop-disk-'));
    const folder = join(directory, 'files');
    await mkdir(folder);
    if (!discards) await execa('mount', ['-t', 'ramfs', 'none', folder]);
    const file = join(folder, 'disk');
    if (blank) await execa('truncate', [`--size=${size}M`, file]);
    else await writeFile(file, Buffer.concat(Array.from({ length: size }, () => randomBytes(mib))));
    const options = [`--sector-size=${sectorBytes}`, ...(readOnly ? ['--read-only'] : [])];
    const { stdout: path } = await execa('losetup', ['--find', '--show', '--partscan', ...options, file]);
    return new LoopDisk(path, directory, file, size * mib, !discards);
  }

  content(): Promise<Buffer> {
    return readFile(this.file);
  }

  async put(offset: number, bytes: Buffer): Promise<void> {
    const handle = await open(this.path, 'r+');
    await handle.write(bytes, 0, bytes.length, offset);
    await handle.sync();
    await handle.close();
  }

  /** With the partitions that a script has told the kernel of. */
  async remove(): Promise<void> {
    await execa('partx', ['--delete', this.path], { reject: false });
    await execa('losetup', ['--detach', this.path]);
    if (this.isMounted) await execa('umount', [join(this.directory, 'files')]);
    await rm(this.directory, { recursive: true });
  }
}
