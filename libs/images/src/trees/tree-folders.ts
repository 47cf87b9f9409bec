import { lstat, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '#core';

type ImageFile = Pick<Image, 'sha256'>;

/** The folders of the images that are unpacked, beside their files. They appear and go as a whole. */
export class TreeFolders {
  /** `incomingPrefix`: of folders that are cleared at the next start. */
  constructor(
    private readonly directory: string,
    private readonly incomingPrefix: string,
  ) {}

  async find(image: ImageFile): Promise<string | undefined> {
    const folder = this.folderOf(image);
    return (await stat(folder).catch(() => undefined)) && folder;
  }

  /** `made`: a folder on the same disk, which has all of it. */
  async place(image: ImageFile, made: string): Promise<string> {
    const folder = this.folderOf(image);
    await rename(made, folder);
    return folder;
  }

  /** Does nothing when there is none. */
  async remove(image: ImageFile): Promise<void> {
    const folder = await this.find(image);
    if (folder === undefined) return;
    const going = await mkdtemp(join(this.directory, this.incomingPrefix));
    await rename(folder, going).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error; // somebody else removes it
    });
    await rm(going, { recursive: true, force: true });
  }

  /** Of the files in it; 0 when it is gone. */
  async bytes(image: ImageFile): Promise<number> {
    const entries = await readdir(this.folderOf(image), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    const sizes = entries
      .filter((entry) => entry.isFile())
      .map(
        async ({ parentPath, name }) => (await lstat(join(parentPath, name)).catch(() => undefined))?.size,
      );
    return (await Promise.all(sizes)).reduce<number>((sum, size = 0) => sum + size, 0);
  }

  private folderOf({ sha256 }: ImageFile): string {
    return join(this.directory, `${sha256}.tree`);
  }
}
