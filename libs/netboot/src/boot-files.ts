import { join } from 'node:path';
import {
  configurationName,
  grubFirstConfiguration,
  grubFirstText,
  type Loader,
} from './configuration-names.js';
import { debianLoaderDirectories, LoaderFiles } from './loader-files.js';
import { macOfPxelinuxName, type Mac } from './mac.js';
import { bufferContent, fileContent, type TftpContent } from './tftp/content.js';
import type { TftpHandler } from './tftp/read-session.js';

/** What a machine is to do at its next network boot. */
export type NetworkBoot =
  | { kind: 'local'; reason: string }
  | {
      kind: 'kernel';
      /** In words, for the screen: "the live image". */
      what: string;
      /** Below the controller, over HTTP and TFTP alike: `boot/live/vmlinuz`. */
      kernelPath: string;
      initrdPath: string;
      /** Words of the kernel's command line. */
      arguments: string[];
    };

export interface BootFilesOptions {
  /** Called for every request of a machine's own configuration; an unknown MAC is a decision too. */
  decide: (mac: Mac) => Promise<NetworkBoot>;
  /** The text of the configuration that this loader asks for. */
  render: (decision: NetworkBoot, loader: Loader) => Promise<string>;
  /** Kernel and initrd of the live image, and the loaders for UEFI. */
  liveImageDirectory: string;
  /** The file on the disk that is at this path in an image. Rejects when there is none: the reason is for the timeline. */
  treeFile: (imageId: string, path: string) => Promise<string>;
  /** Where the loaders for BIOS are, searched in this order. */
  loaderDirectories?: readonly string[];
}

const LIVE_FILE = /^boot\/live\/(vmlinuz|initrd\.img)$/;
const TREE_FILE = /^boot\/images\/([0-9a-f-]{36})\/tree\/(.+)$/;

/**
 * The files of a network boot, rendered when they are asked for: the loaders, and the configuration of each machine:
 * `pxelinux.cfg/01-<mac>` on BIOS, `grub/grub.cfg-01-<mac>` on UEFI. The signed GRUB speaks no HTTP: it has kernel and initrd
 * from here, too, those in images as well.
 * pxelinux asks for a configuration by its UUID, then its MAC, then its address in hexadecimal, then `default`. Only the MAC
 * says which machine it is; `default` is what a machine without an Ethernet address ends at, and boots its disk.
 */
export function bootFiles({
  decide,
  render,
  liveImageDirectory,
  treeFile,
  loaderDirectories = debianLoaderDirectories,
}: BootFilesOptions): TftpHandler {
  const loaders = new LoaderFiles([liveImageDirectory, ...loaderDirectories]);
  return async ({ path }) => {
    if (path === grubFirstConfiguration) return text(grubFirstText);
    const live = LIVE_FILE.exec(path)?.[1];
    if (live !== undefined) return fileContent(join(liveImageDirectory, live));
    const [, imageId, inTree] = TREE_FILE.exec(path) ?? [];
    if (imageId !== undefined && inTree !== undefined) return fileContent(await treeFile(imageId, inTree));
    const own = configurationName(path);
    return own === null ? loaders.content(path) : configuration(own);
  };

  async function configuration({ loader, name }: { loader: Loader; name: string }) {
    const decision = await decisionFor(loader, name);
    return decision === null ? null : text(await render(decision, loader));
  }

  async function decisionFor(loader: Loader, name: string): Promise<NetworkBoot | null> {
    if (loader === 'pxelinux' && name === 'default') return { kind: 'local', reason: 'unknown machine' };
    const mac = macOfPxelinuxName(name);
    return mac === null ? null : decide(mac);
  }
}

function text(content: string): TftpContent {
  return bufferContent(Buffer.from(content, 'utf8'));
}
