import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessRunner } from '#platform';
import type { TreeFolder } from '../documents/document-tree.js';
import type { DriveForm } from './drive-form.js';
import { driveTime, withDriveFolder, writeTree } from './drive-folder.js';
import { runDriveProgram } from './drive-programs.js';
import { checkDriveSize, vfatBytes, vfatClusterBytes } from './drive-size.js';

/** Writes documents as a file system that is found by its label, just as large as it must be. */
export class ConfigDriveWriter {
  constructor(
    /** For what is on the way. */
    private readonly directory: string,
    private readonly runner: ProcessRunner,
  ) {}

  /**
   * The image of a drive that holds these documents; the same for the same documents.
   * Throws DomainError `invalid-request`, with the field that is the largest, when it would be more than 64 MiB.
   */
  async write(tree: TreeFolder, form: DriveForm): Promise<Buffer> {
    checkDriveSize(tree);
    return withDriveFolder(this.directory, async (place) => {
      const content = join(place, 'content');
      const image = join(place, 'image');
      await writeTree(tree, content);
      await (form.format === 'iso9660'
        ? this.writeIso(content, image)
        : this.writeVfat(content, image, vfatBytes(tree), form.sectorBytes));
      return readFile(image);
    });
  }

  /** Joliet beside Rock Ridge, for the guests that know only one of them. */
  private async writeIso(content: string, image: string): Promise<void> {
    const options = ['-quiet', '-V', 'config-2', '-J', '-joliet-long', '-r', '-no-pad', '-o', image];
    await this.run('xorriso', ['-no_rc', '-as', 'mkisofs', ...options, content]);
  }

  private async writeVfat(content: string, image: string, bytes: number, sectorBytes: number): Promise<void> {
    await writeFile(image, '');
    await truncate(image, bytes);
    const sizes = ['-S', String(sectorBytes), '-s', String(vfatClusterBytes / sectorBytes)];
    await this.run('mkfs.vfat', ['--invariant', '-n', 'CONFIG-2', ...sizes, image]);
    const entries = (await readdir(content)).sort().map((name) => join(content, name));
    if (entries.length > 0) await this.run('mcopy', ['-s', '-m', '-Q', '-i', image, ...entries, '::/']);
  }

  private run(program: string, args: string[]): Promise<unknown> {
    return runDriveProgram(this.runner, program, args, {
      SOURCE_DATE_EPOCH: String(driveTime.seconds),
      TZ: driveTime.zone,
    });
  }
}
