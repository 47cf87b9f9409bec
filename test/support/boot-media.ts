import { execa } from 'execa';
import type { ImageBench } from './image-tree.js';

/** The beginning of a Linux kernel for x86_64 (Documentation/arch/x86/boot.rst), and some more of it. */
export function kernelHead(): Buffer {
  const head = Buffer.alloc(4096, 7);
  head.write('HdrS', 0x202, 'latin1');
  head.writeUInt16LE(1, 0x236);
  return head;
}

/** What Debian's netboot.tar.gz has, in small. */
export const debianNetboot = {
  'debian-installer/amd64/linux': kernelHead(),
  'debian-installer/amd64/initrd.gz': 'initrd',
  'debian-installer/amd64/boot-screens/ldlinux.c32': 'loader',
  'debian-installer/amd64/pxelinux.cfg/default': 'path x',
  'ldlinux.c32': { link: 'debian-installer/amd64/boot-screens/ldlinux.c32' },
  'version.info': 'Debian version:  12 (bookworm)',
};

/** What the ISO of Ubuntu's live server has, in small. */
export const ubuntuIso = {
  '.disk/info': 'Ubuntu-Server 24.04 LTS "Noble Numbat"',
  'casper/vmlinuz': kernelHead(),
  'casper/initrd': 'initrd',
  'casper/hwe-vmlinuz': kernelHead(),
  'casper/hwe-initrd': 'newer initrd',
  'casper/filesystem.squashfs': Buffer.alloc(3_000_000, 'squash'),
  'boot/grub/grub.cfg': 'menu',
  ubuntu: { link: '.' },
};

/** As every distribution makes its media: with Rock Ridge and Joliet. */
export async function iso(bench: ImageBench, tree: string, ...options: string[]): Promise<string> {
  const file = bench.path('iso');
  await execa('xorriso', [
    '-as',
    'mkisofs',
    '-quiet',
    '-R',
    '-J',
    '-V',
    'MEDIUM',
    ...options,
    '-o',
    file,
    tree,
  ]);
  return file;
}
