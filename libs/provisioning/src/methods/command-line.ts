import type { NetworkBoot } from '#netboot';

type KernelBoot = Pick<NetworkBoot & { kind: 'kernel' }, 'kernelPath' | 'initrdPath' | 'arguments'>;

/**
 * In bytes. A kernel for x86 takes 2048 with the one that ends the line (COMMAND_LINE_SIZE in its arch/x86/include/asm/setup.h), and so does pxelinux;
 * both cut off the rest without a word.
 */
export const longestCommandLine = 2047;

/** In bytes, with what pxelinux adds of its own: both URLs, and the card (IPAPPEND 2). GRUB adds less. */
export function commandLineBytes(boot: KernelBoot, publicUrl: string): number {
  const { kernelPath, initrdPath, arguments: words } = boot;
  const added = [
    `BOOT_IMAGE=${publicUrl}/${kernelPath}`,
    `initrd=${publicUrl}/${initrdPath}`,
    'BOOTIF=01-00-00-00-00-00-00',
  ];
  return Buffer.byteLength([...added, ...words].join(' '));
}
