/** The forms that documents have, by the names of IANA. */
export type MediaType = 'text/plain' | 'application/json' | 'application/octet-stream' | 'application/yaml';

export interface TreeDocument {
  kind: 'document';
  content: Buffer;
  mediaType: MediaType;
}

/** An entry that is shown otherwise than by its name (folders: by their name and `/`), or not at all: null. */
export type Shown = Record<string, string | null>;

export interface TreeFolder {
  kind: 'folder';
  /** In the order of their names. */
  entries: ReadonlyMap<string, TreeNode>;
  shown: Shown;
}

/**
 * Documents in folders. A config drive is written from such a tree and the metadata service answers from it, so that both say the
 * same.
 */
export type TreeNode = TreeFolder | TreeDocument;

/** What stands at a path: a document, or the listing of a folder, one entry a line. */
export interface TreeAnswer {
  kind: 'document' | 'listing';
  content: Buffer;
  mediaType: MediaType;
}

/** Text becomes UTF-8. */
export const document = (content: Buffer | string, mediaType: MediaType = 'text/plain'): TreeDocument => ({
  kind: 'document',
  content: typeof content === 'string' ? Buffer.from(content) : content,
  mediaType,
});

export const jsonDocument = (value: unknown): TreeDocument =>
  document(JSON.stringify(value), 'application/json');

/** Entries that are null are left out. */
export function folder(entries: Record<string, TreeNode | null>, shown: Shown = {}): TreeFolder {
  const there = Object.entries(entries).filter((entry): entry is [string, TreeNode] => entry[1] !== null);
  return { kind: 'folder', entries: new Map(there.sort(byName)), shown };
}

/** Folders that are listed without the `/`, as versions are. */
export function versionFolder(entries: Record<string, TreeNode | null>): TreeFolder {
  return folder(entries, Object.fromEntries(Object.keys(entries).map((name) => [name, name])));
}

/** Numbers, such as those of keys, by what they count. */
function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  if (isNumber.test(one) && isNumber.test(other)) return Number(one) - Number(other);
  return one < other ? -1 : 1;
}

const isNumber = /^\d+$/;

/**
 * What a tree answers at a path such as `/latest/meta-data/`. Slashes at the ends, and doubled ones, mean nothing, as with EC2 and
 * nova; `..` is a name like every other, which is nowhere. null: nothing stands there.
 */
export function answerOf(tree: TreeNode, path: string): TreeAnswer | null {
  let node: TreeNode | undefined = tree;
  for (const name of path.split('/').filter((part) => part !== '')) {
    node = node.kind === 'folder' ? node.entries.get(name) : undefined;
    if (!node) return null;
  }
  if (node.kind === 'folder') return { kind: 'listing', content: listing(node), mediaType: 'text/plain' };
  return { kind: 'document', content: node.content, mediaType: node.mediaType };
}

/** The last line has no end, as with EC2. */
function listing({ entries, shown }: TreeFolder): Buffer {
  const lines = [...entries].flatMap(([name, node]) => {
    const line = Object.hasOwn(shown, name) ? shown[name] : name + (node.kind === 'folder' ? '/' : '');
    return line ?? [];
  });
  return Buffer.from(lines.join('\n'));
}

/** Every document with its path, which has no slash at its ends. */
export function documentsOf(tree: TreeNode, at = ''): [path: string, document: TreeDocument][] {
  if (tree.kind === 'document') return [[at, tree]];
  return [...tree.entries].flatMap(([name, node]) => documentsOf(node, at === '' ? name : `${at}/${name}`));
}
