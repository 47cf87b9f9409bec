import type { BootMode } from '#core';
import type { OpenedImage } from '../opened-image.js';
import type { ImageContents } from '../reading/image-contents.js';

/** UEFI Specification 2.10, 3.5.1.1: what firmware starts from a disk that it has been told nothing about. */
const removableLoader = /^boot(x64|ia32|aa64|arm|riscv64)\.efi$/i;

/** The firmware that a whole disk starts on by what is on it. */
export async function bootModesOf({ disk }: OpenedImage): Promise<BootMode[]> {
  const modes: BootMode[] = [];
  if (disk?.startsOnBios) modes.push('bios');
  // GRUB finds a name in a FAT whatever its case.
  const loaders = (await disk?.esp?.list('/EFI/BOOT')) ?? [];
  if (loaders.some((name) => removableLoader.test(name))) modes.push('uefi');
  return modes;
}

/** What GRUB is made of in an image. */
export interface GrubParts {
  /** The program that puts it on a disk. */
  installer: boolean;
  bios: boolean;
  uefi: boolean;
  /** Signed for Secure Boot, with the shim that firmware knows. */
  signed: boolean;
}

export async function grubParts(contents: ImageContents): Promise<GrubParts> {
  const installer = await contents.firstOf('/usr/sbin/grub-install', '/sbin/grub-install');
  const signedGrub = await contents.has('/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed');
  return {
    installer: installer !== undefined,
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
