import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { DomainError, type Image } from '#core';
import type { Clock } from '#platform';
import type { ImageCache } from '../cache/image-cache.js';
import type { ImageLibrary } from '../image-library.js';
import { shown } from '../kinds/kind.js';
import type { Tools } from '../tools.js';
import { TreeUnpacker } from './unpacking.js';

/** A file of an image, unpacked. */
export interface TreeFile {
  /** Where it lies, without a link in it. */
  file: string;
  sizeBytes: number;
}

interface Host {
  clock: Clock;
  /** Ends what is being unpacked. */
  signal: AbortSignal;
}

/** The files in images that are ISOs or tarballs, for machines that start from them; unpacked when one is asked for first. */
export class ImageTrees {
  private readonly running = new Map<string, Promise<string>>();

  constructor(
    private readonly cache: ImageCache,
    private readonly library: ImageLibrary,
    private readonly tools: Tools,
    private readonly host: Host,
  ) {}

  /**
   * A file of an image by its path in it. Throws DomainError `not-found`, which says what there is instead, and what
   * `prepare` throws.
   */
  async open(image: Image, path: string): Promise<TreeFile> {
    const tree = await this.prepare(image);
    const wanted = posix.join('/', path);
    const file = await placeOf(tree, wanted);
    const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
    if (file === undefined || !found?.isFile()) throw await noSuchFile(image, tree, wanted);
    return { file, sizeBytes: found.size };
  }

  /**
   * The folder of its files: fetched and unpacked when it is not here, once however many ask. Throws DomainError
   * `image-unsuitable` for an image that has none, `image-invalid`, and what `ImageCache.ensure` throws.
   */
  async prepare(image: Image): Promise<string> {
    const here = await this.cache.ensure(image);
    const tree = await this.library.trees.find(here);
    if (tree !== undefined) return tree;
    const running = this.running.get(here.sha256);
    if (running) return await running;
    const unpacking = this.unpack(here).finally(() => this.running.delete(here.sha256));
    this.running.set(here.sha256, unpacking);
    return await unpacking;
  }

  private async unpack(image: Image): Promise<string> {
    const { clock, signal } = this.host;
    return await this.cache.whileHeld(image, image.dataBytes, async (held) => {
      const makeRoom = (bytes: number) => this.cache.makeRoom(held.name, bytes);
      const unpacker = new TreeUnpacker({ tools: this.tools, clock, signal, makeRoom });
      return await this.library.addTree(held, signal, (content, folder) =>
        unpacker.unpack(held, content, folder),
      );
    });
  }
}

/** Where a path leads in a folder; undefined: nowhere, or out of it. */
async function placeOf(folder: string, path: string): Promise<string | undefined> {
  const root = await realpath(folder).catch(() => undefined);
  const place = await realpath(join(folder, path)).catch(() => undefined);
  return root !== undefined && `${place}${sep}`.startsWith(`${root}${sep}`) ? place : undefined;
}

const mostNames = 12;

async function noSuchFile({ name, description }: Image, tree: string, path: string): Promise<DomainError> {
  const { folder, names } = await nearest(tree, path);
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const has = names.length === 0 ? 'nothing' : `${shown(names.slice(0, mostNames).join(', '), 500)}${more}`;
  const starts = (description?.bootFiles ?? [])
    .slice(0, 3)
    .map(({ kernel, initrd }) => `${kernel} with ${initrd}`);
  return new DomainError(
    'not-found',
    `The image ${name} has no file ${shown(path.slice(1), 200)}: its folder ${folder} has ${has}.`,
    {
      remedy:
        starts.length === 0
          ? 'Ask for one of these.'
          : `Ask for one of these. Kernels that it has: ${shown(starts.join('; '), 300)}.`,
      context: { field: 'path' },
    },
  );
}

/** What is in the nearest folder above a path that there is. */
async function nearest(tree: string, path: string): Promise<{ folder: string; names: string[] }> {
  for (let folder = path; ; folder = posix.dirname(folder)) {
    const place = await placeOf(tree, folder);
    const names = place && (await readdir(place).catch(() => undefined));
    if (names || folder === '/') return { folder: shown(folder, 200), names: (names || []).sort() };
  }
}
