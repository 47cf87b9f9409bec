import { posix } from 'node:path';
import type { ImageFiles } from './image-files.js';

const textBytes = 256 * 1024;
/** More files than a directory of settings has. */
const mostFiles = 64;

export interface TextFile {
  path: string;
  text: string;
}

/** What requirements ask of an image: every directory and every text is read once. */
export class ImageContents {
  private readonly lists = new Map<string, Promise<readonly string[]>>();
  private readonly texts = new Map<string, Promise<string | undefined>>();

  constructor(private readonly files: ImageFiles) {}

  /** The names in a directory; none when there is no such directory. */
  list(directory: string): Promise<readonly string[]> {
    return remembered(this.lists, directory, () => this.files.list(directory));
  }

  /** Whether there is such a name, be it a link that leads nowhere. */
  async has(path: string): Promise<boolean> {
    return (await this.list(posix.dirname(path))).includes(posix.basename(path));
  }

  /** The first of these that is there. */
  async firstOf(...paths: string[]): Promise<string | undefined> {
    for (const path of paths) if (await this.has(path)) return path;
    return undefined;
  }

  /** As UTF-8, no more than 256 KiB; undefined: there is no such file. */
  text(path: string): Promise<string | undefined> {
    const read = async () => ((await this.has(path)) ? await this.files.read(path, textBytes) : undefined);
    return remembered(this.texts, path, async () => (await read())?.toString('utf8'));
  }

  head(path: string, bytes: number): Promise<Buffer | undefined> {
    return this.files.read(path, bytes);
  }

  /** The files in a directory whose names match, in the order of their names. */
  async matching(directory: string, name: RegExp): Promise<TextFile[]> {
    const names = (await this.list(directory)).filter((each) => name.test(each)).sort();
    const found: TextFile[] = [];
    for (const each of names.slice(0, mostFiles)) {
      const path = posix.join(directory, each);
      const text = await this.text(path);
      if (text !== undefined) found.push({ path, text });
    }
    return found;
  }
}

function remembered<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  read: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key) ?? read();
  known.set(key, value);
  return value;
}
