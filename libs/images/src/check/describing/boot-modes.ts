import type { BootMode } from '#core';
import type { OpenedImage } from '../opened-image.js';
import type { ImageContents } from '../reading/image-contents.js';

/** Where a disk has boot loaders for 64-bit UEFI firmware of x86_64, and who finds them there. */
export interface EfiLoaders {
  /** Firmware that was told nothing about the disk: UEFI Specification 2.10, 3.5.1.1. */
  removable: boolean;
  /** Only firmware with a boot entry for it: the directories below EFI with a shim or a GRUB. */
  vendors: string[];
}

/** GRUB finds a name in a FAT whatever its case. */
export async function efiLoaders({ disk }: OpenedImage): Promise<EfiLoaders> {
  const list = async (directory: string) => (await disk?.esp?.list(directory)) ?? [];
  const vendors: string[] = [];
  for (const name of (await list('/EFI')).slice(0, 16)) {
    const loaders = /^boot$/i.test(name) ? [] : await list(`/EFI/${name}`);
    if (loaders.some((loader) => /^(shim|grub)x64\.efi$/i.test(loader))) vendors.push(name);
  }
  return { removable: (await list('/EFI/BOOT')).some((name) => /^bootx64\.efi$/i.test(name)), vendors };
}

/** The firmware that a whole disk starts on by what is on it. */
export async function bootModesOf(image: OpenedImage): Promise<BootMode[]> {
  const { removable, vendors } = await efiLoaders(image);
  const modes: BootMode[] = image.disk?.startsOnBios ? ['bios'] : [];
  return removable || vendors.length > 0 ? [...modes, 'uefi'] : modes;
}

/** What GRUB is made of in an image. */
export interface GrubParts {
  /** The programs that put it on a disk and find the kernels: grub-install and update-grub. */
  installer: boolean;
  bios: boolean;
  uefi: boolean;
  /** Signed for Secure Boot, with the shim that firmware knows. */
  signed: boolean;
}

export async function grubParts(contents: ImageContents): Promise<GrubParts> {
  const installer = await contents.firstOf('/usr/sbin/grub-install', '/sbin/grub-install');
  const updater = await contents.firstOf('/usr/sbin/update-grub', '/sbin/update-grub');
  const signedGrub = await contents.has('/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed');
  return {
    installer: installer !== undefined && updater !== undefined,
    bios: await contents.has('/usr/lib/grub/i386-pc/boot.img'),
    uefi: await contents.has('/usr/lib/grub/x86_64-efi/modinfo.sh'),
    signed: signedGrub && (await contents.has('/usr/lib/shim/shimx64.efi.signed')),
  };
}

/** Whose boot loaders can be installed from what a file system or a tarball brings. */
export async function installableBootModesOf({ kind, contents }: OpenedImage): Promise<BootMode[]> {
  if (kind === 'disk' || contents === null) return [];
  const grub = await grubParts(contents);
  if (!grub.installer) return [];
  return (['bios', 'uefi'] as const).filter((mode) => grub[mode]);
}
