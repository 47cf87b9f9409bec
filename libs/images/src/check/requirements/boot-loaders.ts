import type { BootMode } from '#core';
import { grubParts } from '../describing/boot-modes.js';
import { fault, type InspectedImage, ok, type Requirement, warning } from './requirement.js';

interface Loader {
  mode: BootMode;
  called: string;
  /** What a disk lacks that does not start so. */
  missingOnDisk: string;
  /** What to have on a disk. */
  disk: string;
  packages: string;
}

const loaders: Record<BootMode, Loader> = {
  bios: {
    mode: 'bios',
    called: 'BIOS',
    missingOnDisk: 'no boot loader that a BIOS starts',
    disk: 'Install GRUB for BIOS on it, with a BIOS boot partition if it has a GPT (grub-install --target=i386-pc).',
    packages: 'Debian, Ubuntu: grub-pc-bin and grub2-common',
  },
  uefi: {
    mode: 'uefi',
    called: 'UEFI',
    missingOnDisk: 'no EFI system partition with EFI/BOOT/BOOTX64.EFI',
    disk: 'Install GRUB there too where firmware looks by itself: grub-install --target=x86_64-efi --removable (and --force-extra-removable on Debian).',
    packages:
      'Debian, Ubuntu: grub-efi-amd64-bin and grub2-common; for Secure Boot grub-efi-amd64-signed and shim-signed',
  },
};

/** Nothing to start it with is a fault; that it starts on one kind of firmware alone is a warning. */
const missing = (modes: BootMode[]) => (modes.length === 0 ? fault : warning);

function lookAtDisk({ mode, called, missingOnDisk, disk }: Loader, { description }: InspectedImage) {
  const { bootModes } = description;
  if (bootModes.includes(mode)) return ok(`It starts on ${called} machines.`);
  return missing(bootModes)(`It has ${missingOnDisk}: it does not start on ${called} machines.`, disk);
}

async function lookInside({ mode, called, packages }: Loader, { contents, description }: InspectedImage) {
  const { installableBootModes } = description;
  const grub = await grubParts(contents);
  if (installableBootModes.includes(mode)) {
    const secure = grub.signed ? ', with Secure Boot too' : ', without Secure Boot';
    return ok(`It brings GRUB for ${called} machines${mode === 'uefi' ? secure : ''}.`);
  }
  const what = grub.installer ? `no GRUB for ${called}` : 'no grub-install';
  return missing(installableBootModes)(
    `It has ${what}: it cannot be installed on ${called} machines.`,
    `Install it in the image (${packages}).`,
  );
}

const bootLoader = (loader: Loader): Requirement => ({
  check: `boot-loader-${loader.mode}`,
  look: (image) => (image.disk ? lookAtDisk(loader, image) : lookInside(loader, image)),
});

export const bootLoaders: readonly Requirement[] = [bootLoader(loaders.bios), bootLoader(loaders.uefi)];
