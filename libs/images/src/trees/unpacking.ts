import { chmod, type FileHandle, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError, type Image } from '#core';
import type { Clock } from '#platform';
import { BoundedPrograms } from '../check/reading/bounded-programs.js';
import { type Extent, IsoFiles } from '../check/reading/iso-files.js';
import { TarFiles } from '../check/reading/tar-files.js';
import { checkSize } from '../intake/import-checks.js';
import { shown } from '../kinds/kind.js';
import type { Tools } from '../tools.js';

export interface Unpacking {
  tools: Tools;
  clock: Clock;
  signal: AbortSignal;
  /** Makes room for so many bytes on the disk. */
  makeRoom: (bytes: number) => Promise<void>;
}

/** What is in an image, in a folder: plain files, which everybody may read, folders and links. */
export class TreeUnpacker {
  private readonly programs: BoundedPrograms;

  constructor(private readonly unpacking: Unpacking) {
    const { tools, clock, signal } = unpacking;
    this.programs = new BoundedPrograms(tools.processes, clock, signal);
  }

  /**
   * `folder` must not exist. Throws DomainError `image-unsuitable` for an image that is neither a tarball nor an ISO,
   * `image-invalid`, `image-too-large`, or what making room throws.
   */
  async unpack(image: Image, content: string, folder: string): Promise<void> {
    await mkdir(folder);
    if (image.kind === 'tarball') await this.unpackTar(image, content, folder);
    else if (image.kind === 'iso') await this.unpackIso(content, folder);
    else throw noTree(image);
    await this.sync(folder);
  }

  /** tar refuses what leads out of a folder that is new; of the rest, what is no plain file goes afterwards. */
  private async unpackTar(image: Image, content: string, folder: string): Promise<void> {
    await TarFiles.open(this.programs, content); // which bounds the number of files
    await this.unpacking.makeRoom(image.uncompressedBytes);
    const owner = ['--no-same-owner', '--no-same-permissions', '--delay-directory-restore'];
    const archive = ['--force-local', `--file=${content}`, `--directory=${folder}`];
    await this.run('tar', ['--extract', ...owner, ...archive], image.uncompressedBytes);
    await makePlain(folder);
  }

  /**
   * The content of each file lies in the image as it is. xorriso would write where a name with `..` leads, so it only reads the
   * names; links come last, that nothing is written through them.
   */
  private async unpackIso(content: string, folder: string): Promise<void> {
    const { files, links } = await IsoFiles.open(this.programs, content);
    const bytes = [...files.values()].flat().reduce((sum, extent) => sum + extent.bytes, 0);
    checkSize(`its files have ${bytes} bytes`, bytes, this.unpacking.tools.limits.maxBytes);
    await this.unpacking.makeRoom(bytes);
    const source = await open(content);
    try {
      for (const [path, extents] of files) await this.copy(source, extents, join(folder, path));
      for (const [path, target] of links) await makeLink(join(folder, path), target);
    } catch (error) {
      throw misnamed(error);
    } finally {
      await source.close();
    }
  }

  private async copy(source: FileHandle, extents: readonly Extent[], path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx', 0o644);
    try {
      for (const { at, bytes } of extents) await this.copyExtent(source, { at, bytes }, file);
    } finally {
      await file.close();
    }
  }

  private async copyExtent(source: FileHandle, { at, bytes }: Extent, file: FileHandle): Promise<void> {
    const piece = Buffer.allocUnsafe(Math.min(bytes, pieceBytes));
    for (let done = 0; done < bytes;) {
      this.unpacking.signal.throwIfAborted();
      const length = Math.min(piece.length, bytes - done);
      const { bytesRead } = await source.read(piece, 0, length, at + done);
      if (bytesRead === 0) throw damaged('its directory names files beyond its end');
      await file.writeFile(piece.subarray(0, bytesRead));
      done += bytesRead;
    }
  }

  private async run(program: string, args: readonly string[], writtenBytes: number): Promise<void> {
    const { tools, signal } = this.unpacking;
    const bounds = [`--as=${memoryBytes}`, `--fsize=${writtenBytes}`, '--core=0'];
    const { exitCode, stderr, timedOut } = await tools.runner.run('prlimit', [...bounds, program, ...args], {
      env: { LC_ALL: 'C' },
      timeoutMs: tools.limits.convertMs,
      signal,
    });
    if (timedOut)
      throw damaged(
        `it takes longer than the ${tools.limits.convertMs / 1000} seconds of DODAI_IMAGE_CONVERT_S`,
      );
    if (exitCode !== 0) throw damaged(shown(stderr, 200) || `${program} was ended`);
  }

  /** All of it is on the disk before the folder has its name. */
  private async sync(folder: string): Promise<void> {
    await this.run('sync', ['--file-system', folder], 0);
  }
}

const memoryBytes = 1024 ** 3;
const pieceBytes = 1024 ** 2;

/** No owner's rights, no device, no pipe: what is left can be read and nothing else. */
async function makePlain(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makePlain(path);
    else if (entry.isFile()) await chmod(path, 0o644);
    else if (!entry.isSymbolicLink()) await rm(path);
  }
}

async function makeLink(path: string, target: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

/** What a path cannot be on the disk here: a file and a folder, or longer than names are. */
function misnamed(error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['EEXIST', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)
    ? damaged(`its directory has a name that no folder here can have (${code})`)
    : error;
}

function noTree({ name }: Image): DomainError {
  return new DomainError(
    'image-unsuitable',
    `The image ${name} is neither an ISO nor a tarball: it has no files to hand out.`,
    {
      remedy: 'Choose the ISO of an installer or a live system, or a tarball with its files.',
      context: { field: 'image' },
    },
  );
}

function damaged(why: string): DomainError {
  return new DomainError('image-invalid', `The image cannot be unpacked: ${why}.`, {
    remedy: 'Make or download it again, whole, and import it again.',
    context: { field: 'image' },
  });
}
