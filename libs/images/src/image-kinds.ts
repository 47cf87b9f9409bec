import { DomainError } from '#core';
import { archiveKinds } from './kinds/archives.js';
import { diskImageKinds } from './kinds/disk-images.js';
import { extKinds } from './kinds/ext-superblock.js';
import { deepKinds, fileSystemKinds, foreignKind, isoKind } from './kinds/file-systems.js';
import { type Finding, Head, type KnownKind, type Use } from './kinds/kind.js';
import { emptyKind, notAnImageKinds } from './kinds/not-an-image.js';
import { bootSectorKind, partitionTableKinds } from './kinds/partition-tables.js';
import { refusedUnknown } from './kinds/remedies.js';

/**
 * Every kind of image that is told from the others. The first that fits is it, so the order matters: a medium that
 * also boots from a stick (ISO) has a partition table; a disk that was a file system before has left-overs of it,
 * while mke2fs clears what a partition table was; and the left-overs of Btrfs, LVM and swap survive mke2fs.
 */
export const imageKinds: readonly KnownKind[] = [
  emptyKind,
  ...diskImageKinds,
  ...archiveKinds,
  ...fileSystemKinds,
  isoKind,
  foreignKind,
  ...partitionTableKinds,
  ...extKinds,
  ...deepKinds,
  bootSectorKind,
  ...notAnImageKinds,
];

const unknown: Finding = {
  type: 'unknown',
  called: 'nothing that is known here: no file system, no disk and no archive',
};

/** What an image turned out to be, and what is done with it. */
export type Recognised = Finding & { use: Use };

/** What an image is, by its first `bytesToRecognise` bytes, or all of it when it is shorter. */
export function recognise(came: Buffer): Recognised {
  const head = new Head(came);
  for (const kind of imageKinds) {
    const finding = kind.read(head);
    if (finding) return { ...finding, use: finding.use ?? kind.use };
  }
  return { ...unknown, use: refusedUnknown };
}

type Installable = { as: 'file_system' | 'disk' };

/** What can be taken in. Throws DomainError `image-invalid`, which says what it is instead. */
export function recogniseImage(came: Buffer): Finding & { use: Exclude<Use, { as: 'refused' }> } {
  const found = recognise(came);
  const { use } = found;
  if (use.as !== 'refused') return { ...found, use };
  throw refusedAs('it', found, use.remedy);
}

/** What was read out of a disk image that is called so, with its article. Throws the same. */
export function recogniseDisk(came: Buffer, container: string): Finding & { use: Installable } {
  const found = recognise(came);
  const { use } = found;
  if (use.as === 'file_system' || use.as === 'disk') return { ...found, use: { as: use.as } };
  const remedy = use.as === 'refused' ? use.remedy : 'Take out what is in it, and send that.';
  throw refusedAs(`what is in ${container}`, found, remedy);
}

/** `subject`: what it is that is so. */
export function refusedAs(
  subject: string,
  { type, called, sizeBytes }: Finding,
  remedy: string,
): DomainError {
  const size = sizeBytes === undefined ? '' : `, of ${sizeBytes} bytes`;
  return new DomainError('image-invalid', `The image cannot be installed: ${subject} is ${called}${size}.`, {
    remedy,
    context: { field: 'body', kind: type },
  });
}
