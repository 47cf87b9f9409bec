import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { macOfPxelinuxName, type Mac } from './mac.js';
import { bufferContent, type TftpContent } from './tftp/content.js';
import type { TftpHandler } from './tftp/read-session.js';

/** What a machine is to do at its next network boot. */
export type BootDecision =
  | { kind: 'local'; reason: string }
  | {
      kind: 'live';
      mac: Mac;
      kernelUrl: string;
      initrdUrl: string;
      scriptUrl: string;
      extraArgs?: string[];
    };

export interface BootFilesOptions {
  /** Called for every request of a machine's own configuration; an unknown MAC is a decision too. */
  decide: (mac: Mac) => Promise<BootDecision>;
  /** The text of a `pxelinux.cfg` file. */
  render: (decision: BootDecision) => Promise<string>;
  /** Where the loaders are, searched in this order. */
  loaderDirectories?: readonly string[];
}

/** Of the Debian packages pxelinux and syslinux-common. */
export const debianLoaderDirectories: readonly string[] = [
  '/usr/lib/PXELINUX',
  '/usr/lib/syslinux/modules/bios',
];

/** What a BIOS machine is told to load: the pxelinux that can fetch kernel and initrd over HTTP. */
export const biosLoader = 'lpxelinux.0';

const LOADER_FILE = /^(l?pxelinux\.0|[a-z0-9_]+\.c32)$/;
const CONFIGURATION = /^pxelinux\.cfg\/([^/]+)$/;

/**
 * The files of a network boot, rendered when they are asked for: the loader and its modules, and `pxelinux.cfg/01-<mac>`.
 * pxelinux asks for a configuration by its UUID, then its MAC, then its address in hexadecimal, then `default`. Only the MAC
 * says which machine it is; `default` is what a machine without an Ethernet address ends at, and boots its disk.
 */
export function bootFiles({
  decide,
  render,
  loaderDirectories = debianLoaderDirectories,
}: BootFilesOptions): TftpHandler {
  const loaders = new LoaderFiles(loaderDirectories);
  return async ({ path }) => {
    const name = CONFIGURATION.exec(path)?.[1];
    if (name !== undefined) return configuration(name);
    return LOADER_FILE.test(path) ? loaders.content(path) : null;
  };

  async function configuration(name: string): Promise<TftpContent | null> {
    const decision = await decisionFor(name);
    return decision === null ? null : bufferContent(Buffer.from(await render(decision), 'utf8'));
  }

  async function decisionFor(name: string): Promise<BootDecision | null> {
    if (name === 'default') return { kind: 'local', reason: 'unknown machine' };
    const mac = macOfPxelinuxName(name);
    return mac === null ? null : decide(mac);
  }
}

/** The loaders, read once: every machine asks for the same few, and a rack that is switched on asks for them at once. */
class LoaderFiles {
  private readonly read = new Map<string, Promise<TftpContent | null>>();

  constructor(private readonly directories: readonly string[]) {}

  async content(name: string): Promise<TftpContent | null> {
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
