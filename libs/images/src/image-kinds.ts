import { DomainError } from '#core';
import { archiveKinds } from './kinds/archives.js';
import { diskImageKinds } from './kinds/disk-images.js';
import { extKinds } from './kinds/ext-superblock.js';
import { deepKinds, fileSystemKinds, foreignKind, isoKind } from './kinds/file-systems.js';
import { type Finding, Head, type ImageKind } from './kinds/kind.js';
import { emptyKind, notAnImageKinds } from './kinds/not-an-image.js';
import { bootSectorKind, partitionTableKinds } from './kinds/partition-tables.js';
import { refusedUnknown } from './kinds/remedies.js';

/**
 * Every kind of image that is told from the others. The first that fits is it, so the order matters: a medium that
 * also boots from a stick (ISO) has a partition table; a disk that was a file system before has left-overs of it,
 * while mke2fs clears what a partition table was; and the left-overs of Btrfs, LVM and swap survive mke2fs.
 */
export const imageKinds: readonly ImageKind[] = [
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

/** What an image is, by its first `bytesToRecognise` bytes, or all of it when it is shorter. */
export function recognise(came: Buffer): Finding & Pick<ImageKind, 'use'> {
  const head = new Head(came);
  for (const kind of imageKinds) {
    const finding = kind.read(head);
    if (finding) return { ...finding, use: kind.use };
  }
  return { ...unknown, use: refusedUnknown };
}

/** A file system that can be installed. Throws DomainError `image-invalid`, which says what it is instead. */
export function recogniseFileSystem(came: Buffer): Finding {
  const { use, ...finding } = recognise(came);
  if (use.as === 'file system') return finding;
  const { type, called, sizeBytes } = finding;
  const size = sizeBytes === undefined ? '' : `, of ${sizeBytes} bytes`;
  throw new DomainError('image-invalid', `The image cannot be installed: it is ${called}${size}.`, {
    remedy: use.remedy,
    context: { field: 'body', kind: type },
  });
}
