import type { BoundedPrograms } from './bounded-programs.js';

const listingBytes = 4 * 1024 ** 2;

/**
 * GRUB's own readers of file systems (ext, XFS, Btrfs, FAT), partition tables and logical volumes, in a program that
 * needs neither root nor a mount: grub-fstest(1), of the Debian package grub-common. It follows links, eight deep at
 * the most, and never out of the file system.
 */
export class GrubFstest {
  constructor(
    private readonly programs: BoundedPrograms,
    private readonly image: string,
  ) {}

  /** As GRUB calls them: `(loop0,gpt1)`, `(lvm/group-root)`. */
  async devices(): Promise<string[]> {
    return (await this.words([])).filter((name) => /^\((loop0|lvm|md)[\w,./+-]*\)$/.test(name));
  }

  /** The names in a directory; a name with a space in it comes as two, which are found nowhere. */
  async list(device: string, directory: string): Promise<string[]> {
    const names = await this.words([`${device}${directory.replace(/\/*$/, '/')}`]);
    return names.map((name) => name.replace(/\/$/, ''));
  }

  /** The first bytes of a file, or with no file of the device itself. */
  async read(device: string, file: string | null, maxBytes: number): Promise<Buffer | undefined> {
    const from = file === null ? `${device}+${Math.ceil(maxBytes / 512)}` : `${device}${file}`;
    const args = [`--length=${maxBytes}`, this.image, 'cat', from];
    return (await this.programs.read('grub-fstest', args, maxBytes))?.bytes;
  }

  private async words(args: string[]): Promise<string[]> {
    const output = await this.programs.read('grub-fstest', [this.image, 'ls', ...args], listingBytes);
    const names = output?.bytes.toString('utf8').split(/\s+/).filter(Boolean) ?? [];
    return output?.isCut ? names.slice(0, -1) : names;
  }
}
