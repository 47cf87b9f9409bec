import { imageStanding, type ImageView, installFacts } from '#contract';
import type { Palette } from './palette.js';
import { age, bytes, localTime } from './quantities.js';
import { columns, facts } from './table.js';

export function imageTable(images: ImageView[], palette: Palette, now: Date): string {
  if (images.length === 0) return 'No images. Import one with: dodai images import --help\n';
  return columns(
    ['NAME', 'ID', 'WHAT IT IS', 'CONTENT', 'STORED', 'USER', 'IMPORTED'].map((heading) =>
      palette.paint('strong', heading),
    ),
    images.map((image) => [
      image.name,
      image.id,
      whatItIs(image),
      bytes(image.uncompressedBytes),
      bytes(image.compressedBytes),
      image.defaultUser ?? '-',
      age(image.createdAt, now),
    ]),
  );
}

export function imageDetails(image: ImageView, palette: Palette): string {
  return facts([
    ['Name', palette.paint('strong', image.name)],
    ['Id', image.id],
    ['What it is', whatItIs(image)],
    ['Came as', image.format],
    ['Fetched from', image.sourceUrl],
    ['Content', `${bytes(image.uncompressedBytes)}, of which ${bytes(image.dataBytes)} are not zeros`],
    ['Stored', `${bytes(image.compressedBytes)}, compressed`],
    ['SHA-256 stored', image.sha256],
    ['SHA-256 imported', image.sourceSha256],
    ['Default user', image.defaultUser],
    ...described(image.description),
    ...installFacts(image),
    ['Check', imageStanding(image)],
    ['Imported', localTime(image.createdAt)],
  ]);
}

/** `ext4 file system`, `whole disk`. */
function whatItIs({ kind, fileSystem }: ImageView): string {
  const words = {
    file_system: `${fileSystem ?? 'unknown'} file system`,
    disk: 'whole disk',
    tarball: 'tarball',
    iso: 'ISO',
  };
  return words[kind];
}

function described(description: ImageView['description']): Parameters<typeof facts>[0] {
  if (description === null) return [];
  const { os, architecture, bootModes, installableBootModes, kernelArguments, defaultUser } = description;
  return [
    ['Operating system', os?.name],
    ['Architecture', architecture],
    ['Partitions', partitionsOf(description)],
    ['Starts on', bootModes.join(', ')],
    ['Boot loaders for', installableBootModes.join(', ')],
    ['Kernel arguments', kernelArguments],
    ['User in it', defaultUser],
    ['cloud-init', cloudInitText(description.cloudInit)],
    ['Starts with', bootFilesText(description)],
  ];
}

/** A line for each kernel. */
function bootFilesText({ bootFiles = [] }: Description): string | null {
  return bootFiles.map(({ kernel, initrd }) => `${kernel} with ${initrd}`).join('\n') || null;
}

type Description = NonNullable<ImageView['description']>;

/** A line for each, after the kind of table: `3 root: ext4, 304 MB, the root`. */
function partitionsOf({ partitionTable, rootPartition }: Description): string | null {
  if (partitionTable === null) return null;
  const { type, sectorBytes, partitions } = partitionTable;
  const lines = partitions.map(({ number, name, fileSystem, sizeBytes }) => {
    const facts = [fileSystem, bytes(sizeBytes), number === rootPartition ? 'the root' : null];
    return `${number}${name ? ` ${name}` : ''}: ${facts.filter(Boolean).join(', ')}`;
  });
  return [`${type.toUpperCase()}, for sectors of ${sectorBytes} bytes`, ...lines].join('\n');
}

function cloudInitText(cloudInit: boolean | null | undefined): string | null {
  if (cloudInit === undefined || cloudInit === null) return null;
  return cloudInit ? 'configures its OS' : 'none at work: the installer configures its OS';
}
