import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { document, documentsOf, folder, type TreeFolder, type TreeNode } from '../documents/document-tree.js';

/** The first moment that VFAT knows. All drives are of then: the same documents make the same bytes. */
export const driveTime = { seconds: 315_532_800, zone: 'UTC' } as const;

/** Works in a folder that nobody else can read, and that is gone afterwards. */
export async function withDriveFolder<Result>(
  directory: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const place = await mkdtemp(join(directory, 'config-drive-'));
  try {
    return await work(place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

export async function writeTree(tree: TreeFolder, place: string): Promise<void> {
  await mkdir(place);
  for (const [path, { content }] of documentsOf(tree)) {
    const file = join(place, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await setTimes(place);
}

/** What is inside first: it changes the time of its folder. */
async function setTimes(place: string): Promise<void> {
  for (const entry of await readdir(place, { withFileTypes: true })) {
    const path = join(place, entry.name);
    await (entry.isDirectory() ? setTimes(path) : utimes(path, driveTime.seconds, driveTime.seconds));
  }
  await utimes(place, driveTime.seconds, driveTime.seconds);
}

/** Of files and folders only: links are left out. */
export async function readTree(place: string): Promise<TreeFolder> {
  const entries = new Map<string, TreeNode>();
  for (const entry of await readdir(place, { withFileTypes: true })) {
    const path = join(place, entry.name);
    if (entry.isDirectory()) entries.set(entry.name, await readTree(path));
    if (entry.isFile()) entries.set(entry.name, document(await readFile(path), 'application/octet-stream'));
  }
  return folder(Object.fromEntries(entries));
}
