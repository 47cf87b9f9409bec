import {
  type BootMode,
  configDriveMib,
  type DiskPlan,
  diskMib,
  diskPlan,
  DomainError,
  type ImageKind,
  type Machine,
  layoutRoot,
  partitionsMib,
  rootMib,
  wholeDiskPlan,
} from '#core';
import { type FittingImage, type FittingType, unsuitable } from './install-method.js';

/** How it is installed has been decided. */
type Content = Omit<FittingImage, 'install'>;
type Divided = Omit<FittingType, 'forbiddenMethods'>;

const mib = 1024 * 1024;

/** An image and the disks of a type have to suit each other. Throws `image-too-large` or `image-unsuitable`. */
export function checkFit(image: Content, type: Divided): void {
  checkKind(image, type);
  checkContent(image);
  const isDisk = image.kind === 'disk';
  const imageMib = Math.ceil(image.uncompressedBytes / mib) + (isDisk ? configDriveMib : 0);
  const hasMib = isDisk ? diskMib(type.localGb) : rootMib(type);
  if (imageMib <= hasMib) return;
  const what = isDisk ? 'the smallest disk' : 'the root partition';
  throw new DomainError(
    'image-too-large',
    `The image ${image.name} needs ${imageMib} MiB; ${what} of ${type.name} has ${hasMib} MiB.`,
    {
      remedy:
        'Choose a smaller image or an instance type with more room for root (rootSizeMib, diskLayout, localGb).',
      context: { field: 'image' },
    },
  );
}

/** Throws `image-unsuitable` for an ISO, and for what else starts an installer or a live system. */
export function writtenKind({ kind, name, description }: Content): Exclude<ImageKind, 'iso'> {
  if (kind !== 'iso' && !description?.bootFiles) return kind;
  const what = kind === 'iso' ? 'an ISO' : 'an installer or a live system';
  throw unsuitable(
    `The image ${name} is ${what}, which is started and not written to a disk.`,
    'Choose an image of a disk, a file system or a tarball.',
  );
}

function checkKind(image: Content, type: Divided): void {
  const { name, fileSystem } = image;
  const kind = writtenKind(image);
  const wanted = layoutRoot(type)?.fileSystem;
  if (kind === 'disk' && type.diskLayout !== null)
    throw unsuitable(
      `The image ${name} is a whole disk with partitions of its own, and ${type.name} has a disk layout.`,
      'Choose an instance type without a disk layout, or an image that is a file system or a tarball.',
    );
  if (kind === 'file_system' && wanted !== undefined && fileSystem !== null && wanted !== fileSystem)
    throw unsuitable(
      `The image ${name} is a file system of type ${fileSystem}; the disk layout of ${type.name} wants ${wanted} for root.`,
      'Leave out fileSystem of root in the disk layout, or choose an image that is such a file system or a tarball.',
    );
}

/** What is wrong with it for every machine. */
function checkContent(image: Content): void {
  const { name, chunksSha256, description } = image;
  if (chunksSha256 === '')
    throw unsuitable(
      `The image ${name} was imported before images were kept in chunks.`,
      'Delete it and import it again.',
    );
  const architecture = description?.architecture ?? null;
  if (architecture !== null && architecture !== 'x86_64')
    throw unsuitable(
      `The image ${name} is for ${architecture} machines; dodai installs x86_64.`,
      'Import the image for x86_64 (often called amd64).',
    );
  if (bootModesOf(image)?.length === 0)
    throw unsuitable(`The image ${name} starts on no firmware.`, remedyOfBoot(image));
}

/** The firmware that it can be made to start on; undefined: what is in it could not be read. */
export function bootModesOf({ kind, description }: Content): BootMode[] | undefined {
  if (!description?.os) return undefined;
  return kind === 'disk' ? description.bootModes : description.installableBootModes;
}

function remedyOfBoot({ kind }: Content): string {
  return kind === 'disk'
    ? 'Choose an image of a disk that has a boot loader for it.'
    : 'Choose an image that has a kernel and GRUB: on Debian the packages grub-pc-bin (BIOS) and grub-efi-amd64-bin (UEFI).';
}

/** Throws as checkFit does, also when it is none for this very machine. */
export function checkFitOn(machine: Machine, image: Content, type: Divided): void {
  checkFit(image, type);
  const modes = bootModesOf(image);
  if (modes && !modes.includes(machine.bootMode))
    throw unsuitable(
      `The image ${image.name} starts on ${modes.join(' and ')} firmware; ${machine.name} has ${machine.bootMode}.`,
      remedyOfBoot(image),
    );
  const needed = neededGb(image, type);
  if (image.kind === 'disk' && needed > machine.localGb)
    throw new DomainError(
      'image-too-large',
      `The image ${image.name} needs a disk of ${needed} GB; that of ${machine.name} has ${machine.localGb} GB.`,
      { remedy: 'Choose a smaller image or a machine with a larger disk.', context: { field: 'image' } },
    );
}

/** What the image takes of a disk, with what is made besides it, in GB. */
export function neededGb(image: Content, type: Divided): number {
  const bytes =
    image.kind === 'disk' ? image.uncompressedBytes + configDriveMib * mib : partitionsMib(type) * mib;
  return Math.ceil(bytes / 1000 ** 3);
}

/** Whether it goes to two disks. */
export function isMirrored(image: Content, type: Divided): boolean {
  return image.kind !== 'disk' && type.diskLayout?.raid1 === true;
}

/** How the disks of a machine are divided for an image. */
export function planFor(image: Content, type: Divided, { bootMode }: Pick<Machine, 'bootMode'>): DiskPlan {
  const imageMib = Math.ceil(image.uncompressedBytes / mib);
  if (image.kind === 'disk') return wholeDiskPlan(imageMib);
  return diskPlan(type, { bootMode, fileSystem: image.fileSystem, imageMib });
}
