import { posix } from 'node:path';
import { DomainError } from '#core';
import type { BoundedPrograms } from './bounded-programs.js';
import type { ImageFiles } from './image-files.js';

/** Enough for half a million files. */
const listingBytes = 64 * 1024 ** 2;
/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40;

interface Member {
  /** As the archive has it: `./etc/passwd`. */
  name: string;
  /** Of a symbolic link. */
  target?: string;
}

/** The files in a tar archive, of which the directory is read once. Later members replace earlier ones of the same path. */
export class TarFiles implements ImageFiles {
  private constructor(
    private readonly programs: BoundedPrograms,
    private readonly archive: string,
    private readonly members: ReadonlyMap<string, Member>,
    private readonly directories: ReadonlyMap<string, ReadonlySet<string>>,
  ) {}

  static async open(programs: BoundedPrograms, archive: string): Promise<TarFiles> {
    const args = ['--list', '--verbose', '--quoting-style=c', ...archiveArgs(archive)];
    const listing = await programs.read('tar', args, listingBytes);
    if (listing?.isCut) throw tooMany();
    const members = new Map((listing?.bytes.toString('latin1') ?? '').split('\n').flatMap(membersOf));
    return new TarFiles(programs, archive, members, directoriesOf(members.keys()));
  }

  async list(directory: string): Promise<readonly string[]> {
    const path = this.resolve(directory);
    return path === undefined ? [] : [...(this.directories.get(path) ?? [])];
  }

  async read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    const path = this.resolve(file);
    const member = path === undefined ? undefined : this.members.get(path);
    if (!member || member.target !== undefined) return undefined;
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

  /** The path with no link in it; undefined: links that end nowhere. */
  private resolve(path: string): string | undefined {
    let left = path.split('/').filter(Boolean);
    let done = '/';
    for (let links = 0; left.length > 0;) {
      const next = posix.join(done, left[0] ?? '');
      const target = this.members.get(next)?.target;
      left = left.slice(1);
      if (target === undefined) {
        done = next;
        continue;
      }
      links += 1;
      if (links > mostLinks) return undefined;
      left = [...target.split('/').filter(Boolean), ...left];
      if (target.startsWith('/')) done = '/';
    }
    return done;
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
  if (directory !== undefined) return [[absolute(directory), { name: directory }]];
  const [, type, name, target] = line.exec(text) ?? [];
  if (name === undefined) return [];
  if (type === 'l') return [[absolute(name), { name, target: target ?? '' }]];
  // A hard link has its content where the other name is.
  return [[absolute(name), { name: type === 'h' ? (target ?? name) : name }]];
}

const absolute = (name: string) => posix.join('/', name).replace(/(?<=.)\/$/, '');

function directoriesOf(paths: Iterable<string>): Map<string, Set<string>> {
  const directories = new Map<string, Set<string>>();
  for (let path of paths) {
    for (; path !== '/'; path = posix.dirname(path)) {
      const names = directories.get(posix.dirname(path)) ?? new Set();
      if (names.has(posix.basename(path))) break;
      directories.set(posix.dirname(path), names.add(posix.basename(path)));
    }
  }
  return directories;
}
