import { DomainError } from '#core';
import type { NetworkBoot } from '#netboot';
import type { Config } from '#platform';
import type { Imagined } from './install-method.js';
import { networkWord } from './live-network.js';

type KernelBoot = NetworkBoot & { kind: 'kernel' };

/**
 * In bytes. A kernel for x86 takes 2048 with the one that ends the line (COMMAND_LINE_SIZE in its arch/x86/include/asm/setup.h), and so does pxelinux;
 * both cut off the rest without a word.
 */
const longestBytes = 2047;

/** The boot as it is. Throws DomainError `invalid-request` when its kernel would not be told all of its arguments. */
export function fitting(
  boot: KernelBoot,
  imagined: Pick<Imagined, 'image' | 'type'>,
  { publicUrl }: Pick<Config, 'publicUrl'>,
): KernelBoot {
  const bytes = bytesOf(boot, publicUrl);
  if (bytes > longestBytes) throw tooLong(bytes, boot, imagined);
  return boot;
}

/** With what pxelinux adds of its own: both URLs, and the card (IPAPPEND 2). GRUB adds less. */
function bytesOf({ kernelPath, initrdPath, arguments: words }: KernelBoot, publicUrl: string): number {
  const added = [
    `BOOT_IMAGE=${publicUrl}/${kernelPath}`,
    `initrd=${publicUrl}/${initrdPath}`,
    'BOOTIF=01-00-00-00-00-00-00',
  ];
  return Buffer.byteLength([...added, ...words].join(' '));
}

function tooLong(
  bytes: number,
  boot: KernelBoot,
  { image, type }: Pick<Imagined, 'image' | 'type'>,
): DomainError {
  const hasNetwork = boot.arguments.some((word) => word.startsWith(networkWord));
  const field = hasNetwork ? 'network' : 'image';
  const others = `kernel arguments of the image ${image.name} or of the type ${type.name}`;
  return new DomainError(
    'invalid-request',
    `${field}: the kernel command line has ${bytes} bytes${hasNetwork ? ' with the network in it' : ''}, and a kernel takes ${longestBytes}.`,
    {
      remedy: hasNetwork
        ? `Ask for fewer links, addresses and routes, shorten the ${others}, or choose an image that is installed to a disk.`
        : `Shorten the ${others}.`,
      context: { field },
    },
  );
}
