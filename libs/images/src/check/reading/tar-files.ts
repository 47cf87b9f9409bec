import { posix } from 'node:path';
import { DomainError } from '#core';
import type { BoundedPrograms } from './bounded-programs.js';
import type { ImageFiles } from './image-files.js';
import { PathTree } from './path-tree.js';

/** Enough for half a million files. */
const listingBytes = 64 * 1024 ** 2;

interface Member {
  /** As the archive has it: `./etc/passwd`. */
  name: string;
  kind: 'directory' | 'file' | 'link';
  /** Of a symbolic link. */
  target?: string;
}

/** The files in a tar archive, of which the directory is read once. Later members replace earlier ones of the same path. */
export class TarFiles implements ImageFiles {
  private readonly tree: PathTree;

  private constructor(
    private readonly programs: BoundedPrograms,
    private readonly archive: string,
    private readonly members: ReadonlyMap<string, Member>,
  ) {
    this.tree = new PathTree(members.keys(), linksOf(members));
  }

  /** Throws DomainError `image-invalid` when there are too many. */
  static async open(programs: BoundedPrograms, archive: string): Promise<TarFiles> {
    const args = ['--list', '--verbose', '--quoting-style=c', ...archiveArgs(archive)];
    const listing = await programs.read('tar', args, listingBytes);
    if (listing?.isCut) throw tooMany();
    const members = new Map((listing?.bytes.toString('latin1') ?? '').split('\n').flatMap(membersOf));
    return new TarFiles(programs, archive, members);
  }

  paths(): string[] {
    return [...this.members].filter(([, { kind }]) => kind === 'file').map(([path]) => path);
  }

  async list(directory: string): Promise<readonly string[]> {
    return this.tree.list(directory);
  }

  async read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    const path = this.tree.resolve(file);
    const member = path === undefined ? undefined : this.members.get(path);
    if (!member || member.kind === 'link') return undefined;
    const args = [
      '--extract',
      '--to-stdout',
      '--no-unquote',
      ...archiveArgs(this.archive),
      '--',
      member.name,
    ];
    return (await this.programs.read('tar', args, maxBytes))?.bytes;
  }
}

function tooMany(): DomainError {
  const message = 'The image could not be looked into: the list of its files is longer than 64 MiB.';
  return new DomainError('image-invalid', message, {
    remedy: 'Pack no more than an operating system has; data is better fetched afterwards.',
  });
}

const archiveArgs = (archive: string) => ['--force-local', `--file=${archive}`];

/** A line of the listing: names are in quotes as C has them; those that need a backslash are none that is looked for. */
const line = /^([-lh])\S+ .*? "([^"\\]*)"(?: (?:->|link to) "([^"\\]*)")?$/;
const directoryLine = /^d\S+ .*? "([^"\\]*)"$/;

function membersOf(text: string): [string, Member][] {
  const directory = directoryLine.exec(text)?.[1];
  if (directory !== undefined) return [[absolute(directory), { name: directory, kind: 'directory' }]];
  const [, type, name, target] = line.exec(text) ?? [];
  if (name === undefined) return [];
  if (type === 'l') return [[absolute(name), { name, kind: 'link', target: target ?? '' }]];
  // A hard link has its content where the other name is.
  return [[absolute(name), { name: type === 'h' ? (target ?? name) : name, kind: 'file' }]];
}

function linksOf(members: ReadonlyMap<string, Member>): Map<string, string> {
  return new Map(
    [...members].flatMap(([path, { target }]) => (target === undefined ? [] : [[path, target]])),
  );
}

const absolute = (name: string) => posix.join('/', name).replace(/(?<=.)\/$/, '');
