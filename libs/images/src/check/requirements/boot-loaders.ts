import type { BootMode } from '#core';
import { shown } from '../../kinds/kind.js';
import { efiLoaders, grubParts } from '../describing/boot-modes.js';
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
    missingOnDisk: 'no EFI system partition with a boot loader for x86_64',
    disk: 'Install GRUB there too where firmware looks by itself: grub-install --target=x86_64-efi --removable (and --force-extra-removable on Debian).',
    packages:
      'Debian, Ubuntu: grub-efi-amd64-bin and grub2-common; for Secure Boot grub-efi-amd64-signed and shim-signed',
  },
};

/** Nothing to start it with is a fault; that it starts on one kind of firmware alone is a warning. */
const missing = (modes: BootMode[]) => (modes.length === 0 ? fault : warning);

async function lookAtDisk({ mode, called, missingOnDisk, disk }: Loader, image: InspectedImage) {
  const { bootModes } = image.description;
  if (!bootModes.includes(mode))
    return missing(bootModes)(`It has ${missingOnDisk}: it does not start on ${called} machines.`, disk);
  const { removable, vendors } = await efiLoaders(image);
  if (mode === 'bios' || removable) return ok(`It starts on ${called} machines.`);
  return warning(
    `It starts on ${called} machines by a boot entry alone, for EFI/${shown(vendors[0] ?? '')}: dodai makes that entry, but a machine that loses it does not start.`,
    disk,
  );
}

async function lookInside({ mode, called, packages }: Loader, { contents, description }: InspectedImage) {
  const { installableBootModes } = description;
  const grub = await grubParts(contents);
  if (installableBootModes.includes(mode)) {
    const secure = grub.signed ? ', with Secure Boot too' : ', without Secure Boot';
    return ok(`It brings GRUB for ${called} machines${mode === 'uefi' ? secure : ''}.`);
  }
  const what = grub.installer ? `no GRUB for ${called}` : 'no grub-install with update-grub';
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
