import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#core';
import { debianPackageOf, type ProcessRunner, type RunResult } from '#platform';
import { answerOf, type TreeFolder } from '../documents/document-tree.js';
import type { ConfigDriveWriter } from './config-drive-writer.js';
import { type DriveForm, type DriveFormat, driveFormats } from './drive-form.js';
import { readTree, withDriveFolder } from './drive-folder.js';
import { listingFault } from './iso-listing.js';
import { refusedDrive } from './packed-drive.js';

/** Programs that read what somebody made: their time and memory are bounded, and so is what they write. */
const bounds = ['--cpu=20', `--as=${1024 * 1024 * 1024}`, `--fsize=${64 * 1024 * 1024}`, '--core=0'];
const timeoutMs = 60_000;
const rebuild =
  'make it anew, for instance with: xorriso -as mkisofs -V config-2 -J -r -o config-drive.iso FOLDER';

/** A ready-made config drive that was looked into. */
export interface ReadyConfigDrive {
  image: Buffer;
  format: DriveFormat;
  /** Of its file system; a disk with larger ones cannot hold it. */
  sectorBytes: number;
  tree: TreeFolder;
}

/** Looks into config drives that somebody else made, and makes them fit for the disk that they go to. */
export class ReadyConfigDrives {
  constructor(
    /** For what is on the way. */
    private readonly directory: string,
    private readonly runner: ProcessRunner,
    private readonly writer: ConfigDriveWriter,
  ) {}

  /**
   * What an image (unpacked) holds. Throws DomainError `invalid-request` unless it is an ISO 9660 or VFAT file system that is called
   * config-2 and says who the instance is.
   */
  async inspected(image: Buffer): Promise<ReadyConfigDrive> {
    return withDriveFolder(this.directory, async (place) => {
      const file = join(place, 'image');
      await writeFile(file, image);
      const format = await this.formatOf(file);
      const content = join(place, 'content');
      await mkdir(content);
      await (format === 'iso9660' ? this.extractIso(file, content) : this.extractVfat(file, content));
      const tree = await readTree(content);
      checkContent(tree);
      return { image, format, sectorBytes: format === 'iso9660' ? 2048 : image.readUInt16LE(11), tree };
    });
  }

  /** The image that this disk can hold: the owner's own when it can, else a VFAT with the same files. */
  async fitted(drive: ReadyConfigDrive, diskSectorBytes: DriveForm['sectorBytes']): Promise<Buffer> {
    if (drive.sectorBytes >= diskSectorBytes) return drive.image;
    return this.writer.write(drive.tree, { format: 'vfat', sectorBytes: diskSectorBytes });
  }

  /** By the same program that finds it in the guest. */
  private async formatOf(file: string): Promise<DriveFormat> {
    const { stdout } = await this.bounded('blkid', ['-p', '-o', 'export', file]);
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1];
    const type = value('TYPE');
    const format = driveFormats.find((known) => known === type);
    if (!format)
      throw refusedDrive(`is ${type ?? 'no file system that is known'}, not ISO 9660 or VFAT`, rebuild);
    const label = value('LABEL') ?? '';
    if (label !== 'config-2' && label !== 'CONFIG-2') {
      throw refusedDrive(
        `has the label "${label}", by which no guest finds it`,
        `call it config-2: ${rebuild}`,
      );
    }
    return format;
  }

  /** What it lists is looked at first: links, devices and files that are larger than the image are never unpacked. */
  private async extractIso(file: string, content: string): Promise<void> {
    const open = ['-no_rc', '-indev', `stdio:${file}`];
    const listed = await this.bounded('xorriso', [...open, '-find', '/', '-exec', 'lsdl', '--']);
    const fault = listed.exitCode === 0 ? listingFault(listed.stdout) : 'cannot be read';
    if (fault !== null) throw refusedDrive(fault, rebuild);
    const ours = ['-find', '/', '-exec', 'chmod', '0700', '--'];
    const restore = ['-osirrox', 'on', ...open.slice(1), ...ours, '-extract', '/', content, '-rollback_end'];
    const { exitCode } = await this.bounded('xorriso', ['-no_rc', ...restore]);
    if (exitCode !== 0) throw refusedDrive('cannot be read to its end', rebuild);
  }

  /** Its tables are looked at first: a cluster that several files claim would make more of it than it holds. */
  private async extractVfat(file: string, content: string): Promise<void> {
    const checked = await this.bounded('fsck.fat', ['-n', file]);
    if (checked.exitCode !== 0)
      throw refusedDrive('has a damaged file system', `repair it with fsck.fat, or ${rebuild}`);
    const { exitCode } = await this.bounded('mcopy', ['-s', '-n', '-Q', '-i', file, '::/*', content]);
    if (exitCode !== 0) throw refusedDrive('cannot be read, or is empty', rebuild);
  }

  private async bounded(program: string, args: string[]): Promise<RunResult> {
    const options = { timeoutMs, env: { LC_ALL: 'C.UTF-8', TZ: 'UTC' } };
    const result = await this.runner.run('prlimit', [...bounds, '--', program, ...args], options);
    if (/^prlimit: failed to execute/m.test(result.stderr)) throw missing(program);
    return result;
  }
}

const missing = (program: string) =>
  new DomainError('program-missing', `${program} is not installed`, {
    remedy: `install the Debian package ${debianPackageOf(program)}`,
    context: { program },
  });

/** A guest reads the one or the other; cloud-init refuses a drive whose metadata has no uuid. */
function checkContent(tree: TreeFolder): void {
  const path = ['openstack/latest/meta_data.json', 'ec2/latest/meta-data.json'].find((path) =>
    answerOf(tree, path),
  );
  if (path === undefined) {
    throw refusedDrive(
      'holds neither openstack/latest/meta_data.json nor ec2/latest/meta-data.json',
      'put one of them into it, from the top of the file system',
    );
  }
  const metaData = jsonOf(path, answerOf(tree, path)?.content ?? Buffer.alloc(0));
  if (path.startsWith('openstack') && typeof metaData['uuid'] !== 'string') {
    throw refusedDrive(
      `has no uuid in ${path}`,
      'give the instance a uuid there: cloud-init refuses it without',
    );
  }
}

function jsonOf(path: string, content: Buffer): Record<string, unknown> {
  const remedy = `write an object of JSON into ${path}`;
  let value: unknown;
  try {
    value = JSON.parse(content.toString());
  } catch (error) {
    throw refusedDrive(`has a ${path} that is not JSON (${(error as Error).message})`, remedy, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw refusedDrive(`has a ${path} that is no object`, remedy);
}
