import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { DomainError } from '#core';
import type { BoundedPrograms } from './bounded-programs.js';
import type { ImageFiles } from './image-files.js';
import { bytesAt } from './partition-table.js';
import { PathTree } from './path-tree.js';

/** Enough for a quarter of a million files. */
const listingBytes = 64 * 1024 ** 2;
const sectorBytes = 2048;

/** A run of bytes of the ISO. */
export interface Extent {
  at: number;
  bytes: number;
}

/**
 * The files in an ISO 9660 image, of which xorriso reads the directory once, with its Rock Ridge or Joliet names. Their content
 * lies in the image as it is.
 */
export class IsoFiles implements ImageFiles {
  private readonly tree: PathTree;

  private constructor(
    private readonly image: string,
    /** By their absolute paths, without links. */
    readonly files: ReadonlyMap<string, readonly Extent[]>,
    /** Where symbolic links lead, by their paths. */
    readonly links: ReadonlyMap<string, string>,
  ) {
    this.tree = new PathTree([...files.keys(), ...links.keys()], links);
  }

  /** Throws DomainError `image-invalid` when there are too many, or when it cannot be read. */
  static async open(programs: BoundedPrograms, image: string): Promise<IsoFiles> {
    const extents = ['-find', '/', '-type', 'f', '-exec', 'report_lba', '--'];
    const links = ['-find', '/', '-type', 'l', '-exec', 'lsdl', '--'];
    const args = ['-no_rc', '-indev', `stdio:${image}`, ...extents, ...links];
    const listing = await programs.read('xorriso', args, listingBytes);
    if (listing === undefined || listing.isCut) throw unreadable(listing?.isCut ?? false);
    const lines = listing.bytes.toString('utf8').split('\n');
    return new IsoFiles(image, filesIn(lines), linksAmong(lines));
  }

  paths(): string[] {
    return [...this.files.keys()];
  }

  async list(directory: string): Promise<readonly string[]> {
    return this.tree.list(directory);
  }

  async read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    const path = this.tree.resolve(file);
    const first = path === undefined ? undefined : this.files.get(path)?.[0];
    if (!first) return undefined;
    const handle = await open(this.image);
    try {
      return await bytesAt(handle, first.at, Math.min(first.bytes, maxBytes));
    } finally {
      await handle.close();
    }
  }
}

/** xorriso(1), report_lba: a line for each section of a file; the size is that of all of them. */
const section = /^File data lba: +\d+ , +(\d+) , +(\d+) , +(\d+) , '(\/[^']*)'$/;

function filesIn(lines: readonly string[]): Map<string, Extent[]> {
  const files = new Map<string, Extent[]>();
  for (const line of lines) {
    const [, lba, blocks, size, path] = section.exec(line) ?? [];
    if (path === undefined || !isPlain(path)) continue;
    const extents = files.get(path) ?? [];
    const left = extents.reduce((rest, { bytes }) => rest - bytes, Number(size));
    const bytes = Math.max(0, Math.min(left, Number(blocks) * sectorBytes));
    files.set(path, [...extents, { at: Number(lba) * sectorBytes, bytes }]);
  }
  return files;
}

const link = /^l\S+ .* '(\/[^']*)' -> '([^']*)'$/;

/** A link in a link is none: a name with a new line in it may look like one. */
function linksAmong(lines: readonly string[]): Map<string, string> {
  const links = new Map(lines.flatMap(linksIn));
  const isBelowLink = (path: string): boolean => {
    const folder = posix.dirname(path);
    return folder !== '/' && (links.has(folder) || isBelowLink(folder));
  };
  return new Map([...links].filter(([path]) => !isBelowLink(path)));
}

function linksIn(line: string): [string, string][] {
  const [, path, target] = link.exec(line) ?? [];
  return path === undefined || target === undefined || !isPlain(path) ? [] : [[path, target]];
}

/** A path that cannot be written in another way; names with a quotation mark or a new line are none that is looked for. */
const isPlain = (path: string) => path !== '/' && posix.normalize(path) === path && !path.endsWith('/');

function unreadable(isCut: boolean): DomainError {
  const why = isCut ? 'the list of its files is longer than 64 MiB' : 'xorriso cannot read its file system';
  return new DomainError('image-invalid', `The image could not be looked into: ${why}.`, {
    remedy: 'Compare it with the digest that was published for it, and import it again.',
  });
}
