import {
  type DiskPlan,
  diskMib,
  diskPlan,
  DomainError,
  type Image,
  type InstanceType,
  type Machine,
  layoutRoot,
  partitionsMib,
  rootMib,
  wholeDiskPlan,
} from '#core';

const mib = 1024 * 1024;

type Fitted = Pick<
  InstanceType,
  'name' | 'localGb' | 'rootSizeMib' | 'swapSizeMib' | 'kdumpSizeMib' | 'ephemeralSizeMib' | 'diskLayout'
>;
type Content = Pick<Image, 'name' | 'kind' | 'fileSystem' | 'uncompressedBytes'>;

/** An image and the disks of a type have to suit each other. Throws `image-too-large` or `image-unsuitable`. */
export function checkFit(image: Content, type: Fitted): void {
  checkKind(image, type);
  const imageMib = Math.ceil(image.uncompressedBytes / mib);
  const isDisk = image.kind === 'disk';
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

function checkKind({ name, kind, fileSystem }: Content, type: Fitted): void {
  const wanted = layoutRoot(type)?.fileSystem;
  if (kind === 'iso')
    throw unsuitable(
      `The image ${name} is an ISO, which is started and not installed.`,
      'Choose an image of another kind.',
    );
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

function unsuitable(message: string, remedy: string): DomainError {
  return new DomainError('image-unsuitable', message, { remedy, context: { field: 'image' } });
}

/** What the image takes of a disk, with what is made besides it, in GB. */
export function neededGb(image: Content, type: Fitted): number {
  const bytes = image.kind === 'disk' ? image.uncompressedBytes : partitionsMib(type) * mib;
  return Math.ceil(bytes / 1000 ** 3);
}

/** Whether it goes to two disks. */
export function isMirrored(image: Content, type: Fitted): boolean {
  return image.kind !== 'disk' && type.diskLayout?.raid1 === true;
}

/** How the disks of a machine are divided for an image. */
export function planFor(image: Content, type: Fitted, { bootMode }: Pick<Machine, 'bootMode'>): DiskPlan {
  const imageMib = Math.ceil(image.uncompressedBytes / mib);
  if (image.kind === 'disk') return wholeDiskPlan(imageMib);
  return diskPlan(type, { bootMode, fileSystem: image.fileSystem, imageMib });
}
