import type { ImageDescription } from '#core';
import type { OpenedImage } from '../opened-image.js';
import type { DiskPartition, DiskTable } from '../reading/partition-table.js';
import { architectureOf, kernelArchitectureOf } from './architecture.js';
import { bootModesOf, installableBootModesOf } from './boot-modes.js';
import { isCloudInitAtWork } from './cloud-init.js';
import { defaultUserOf } from './default-user.js';
import { kernelArgumentsOf } from './kernel-arguments.js';
import { osOf } from './os-release.js';

export const undescribed: ImageDescription = {
  os: null,
  architecture: null,
  bootModes: [],
  installableBootModes: [],
  partitionTable: null,
  rootPartition: null,
  rootFileSystem: null,
  kernelArguments: null,
  defaultUser: null,
  cloudInit: null,
};

export async function describe(image: OpenedImage): Promise<ImageDescription> {
  const { contents, root, disk, medium } = image;
  if (medium) return await describeMedium(medium);
  const outside: ImageDescription = {
    ...undescribed,
    bootModes: await bootModesOf(image),
    partitionTable: disk && withoutMarks(disk.table),
    rootPartition: root?.partition?.number ?? null,
    rootFileSystem: root?.fileSystem ?? null,
  };
  if (contents === null) return outside;
  return {
    ...outside,
    os: await osOf(contents),
    architecture: await architectureOf(contents),
    installableBootModes: await installableBootModesOf(image),
    kernelArguments: await kernelArgumentsOf(contents),
    defaultUser: await defaultUserOf(contents),
    cloudInit: await isCloudInitAtWork(contents),
  };
}

async function describeMedium({
  files,
  bootFiles,
}: NonNullable<OpenedImage['medium']>): Promise<ImageDescription> {
  const first = bootFiles[0];
  const architecture = first ? await kernelArchitectureOf(files, `/${first.kernel}`) : null;
  return { ...undescribed, architecture, bootFiles };
}

function withoutMarks({ type, sectorBytes, partitions }: DiskTable): ImageDescription['partitionTable'] {
  const shownOf = ({ number, startBytes, sizeBytes, type, name, fileSystem }: DiskPartition) => ({
    number,
    startBytes,
    sizeBytes,
    type,
    name,
    fileSystem,
  });
  return { type, sectorBytes, partitions: partitions.map(shownOf) };
}
