import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bufferContent, type TftpContent } from './tftp/content.js';

/** What a BIOS machine is told to load: the pxelinux that can fetch kernel and initrd over HTTP. */
export const biosLoader = 'lpxelinux.0';

/** What a UEFI machine is told to load: the shim, signed for Secure Boot. It loads `grubx64.efi` from beside itself. */
export const uefiLoader = 'bootx64.efi';

/** Of the Debian packages pxelinux and syslinux-common. Those for UEFI come with the live image. */
export const debianLoaderDirectories: readonly string[] = [
  '/usr/lib/PXELINUX',
  '/usr/lib/syslinux/modules/bios',
];

const LOADER_FILE = /^(l?pxelinux\.0|[a-z0-9_]+\.c32|bootx64\.efi|grubx64\.efi)$/;

/** The loaders, read once: every machine asks for the same few, and a rack that is switched on asks for them at once. */
export class LoaderFiles {
  private readonly read = new Map<string, Promise<TftpContent | null>>();

  constructor(private readonly directories: readonly string[]) {}

  /** Null for what is no loader, and for one that is not there. */
  async content(name: string): Promise<TftpContent | null> {
    if (!LOADER_FILE.test(name)) return null;
    const reading = this.read.get(name) ?? this.find(name);
    this.read.set(name, reading);
    const found = await reading.catch(() => null);
    if (found === null) this.read.delete(name); // it may be installed later
    return reading;
  }

  private async find(name: string): Promise<TftpContent | null> {
    for (const directory of this.directories) {
      try {
        return bufferContent(await readFile(join(directory, name)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return null;
  }
}
