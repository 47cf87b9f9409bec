import type { ImageView } from '#contract';
import type { Palette } from './palette.js';
import { age, bytes, localTime } from './quantities.js';
import { standing } from './image-findings.js';
import { columns, facts } from './table.js';

export function imageTable(images: ImageView[], palette: Palette, now: Date): string {
  if (images.length === 0) return 'No images. Import one with: dodai images import --help\n';
  return columns(
    ['NAME', 'ID', 'STORED', 'FILE SYSTEM', 'USER', 'IMPORTED'].map((heading) =>
      palette.paint('strong', heading),
    ),
    images.map((image) => [
      image.name,
      image.id,
      bytes(image.compressedBytes),
      `${image.fileSystem} of ${bytes(image.uncompressedBytes)}`,
      image.defaultUser ?? '-',
      age(image.createdAt, now),
    ]),
  );
}

export function imageDetails(image: ImageView, palette: Palette): string {
  return facts([
    ['Name', palette.paint('strong', image.name)],
    ['Id', image.id],
    ['File system', `${image.fileSystem} of ${bytes(image.uncompressedBytes)}`],
    ['Stored', `${bytes(image.compressedBytes)}, compressed`],
    ['SHA-256 stored', image.sha256],
    ['SHA-256 imported', image.sourceSha256],
    ['Default user', image.defaultUser],
    ...described(image.description),
    ['Check', standing(image)],
    ['Imported', localTime(image.createdAt)],
  ]);
}

function described(description: ImageView['description']): Parameters<typeof facts>[0] {
  if (description === null) return [];
  const { os, architecture, bootModes, installableBootModes, kernelArguments, defaultUser } = description;
  return [
    ['Operating system', os?.name],
    ['Architecture', architecture],
    ['Starts on', bootModes.join(', ')],
    ['Boot loaders for', installableBootModes.join(', ')],
    ['Kernel arguments', kernelArguments],
    ['User in it', defaultUser],
  ];
}
