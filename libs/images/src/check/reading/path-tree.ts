import { posix } from 'node:path';

/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40;

/** The paths in an archive, all absolute; links are followed inside it alone. */
export class PathTree {
  private readonly directories: ReadonlyMap<string, ReadonlySet<string>>;

  /** `links`: where symbolic ones lead, by their paths, which are among the paths too. */
  constructor(
    paths: Iterable<string>,
    private readonly links: ReadonlyMap<string, string>,
  ) {
    this.directories = directoriesOf(paths);
  }

  /** The names in a directory; none when there is no such directory. */
  list(directory: string): readonly string[] {
    const path = this.resolve(directory);
    return path === undefined ? [] : [...(this.directories.get(path) ?? [])];
  }

  /** The path with no link in it; undefined: links that end nowhere. */
  resolve(path: string): string | undefined {
    let left = path.split('/').filter(Boolean);
    let done = '/';
    for (let links = 0; left.length > 0;) {
      const next = posix.join(done, left[0] ?? '');
      const target = this.links.get(next);
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
