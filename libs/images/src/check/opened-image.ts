import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { BootFiles, ImageKind } from '#core';
import { bootFilesAmong } from './describing/boot-files.js';
import { startsOnBios } from './reading/boot-code.js';
import type { BoundedPrograms } from './reading/bounded-programs.js';
import { type Root, rootsAmong, type Volume, volumesOf } from './reading/find-root.js';
import { GrubFstest } from './reading/grub-fstest.js';
import { ImageContents } from './reading/image-contents.js';
import { IsoFiles } from './reading/iso-files.js';
import { type DiskPartition, type DiskTable, readPartitionTable } from './reading/partition-table.js';
import { TarFiles } from './reading/tar-files.js';
import { type Mount, VolumeFiles } from './reading/volume-files.js';

/** An image whose content lies in a file, not packed. */
export interface ImageToInspect {
  path: string;
  kind: ImageKind;
  /** Of an image that is one: `ext4`. */
  fileSystem: string | null;
}

/** What is special about a whole disk. */
export interface OpenedDisk {
  table: DiskTable;
  sizeBytes: number;
  /** Every volume with an operating system in it. */
  roots: Root[];
  startsOnBios: boolean;
  /** The EFI system partition; null: there is none that can be read. */
  esp: ImageContents | null;
}

/** An image as the requirements look at it. */
export interface OpenedImage {
  kind: ImageKind;
  /** The files of its operating system, of the first one if there are several; null: none was found. */
  contents: ImageContents | null;
  /** The volume that these are in; null: none was found, or it is a tarball. */
  root: Volume | null;
  /** null: it is no disk, or has no partition table. */
  disk: OpenedDisk | null;
  /** What an ISO, or a tarball without an operating system, starts an installer or a live system with; null: it is neither. */
  medium: Medium | null;
}

interface Medium {
  files: ImageContents;
  bootFiles: BootFiles[];
}

/** Throws DomainError `program-missing`, or `image-invalid` when it takes too long. */
export async function openImage(image: ImageToInspect, programs: BoundedPrograms): Promise<OpenedImage> {
  const { kind, path } = image;
  if (kind === 'tarball') return await openTarball(path, programs);
  if (kind === 'file_system')
    return await openFileSystem(new GrubFstest(programs, path), image.fileSystem ?? '');
  if (kind === 'disk') return await openDisk(path, new GrubFstest(programs, path));
  return { ...nothing, kind, medium: mediumOf(await IsoFiles.open(programs, path)) };
}

const nothing = { contents: null, root: null, disk: null, medium: null };

async function openTarball(path: string, programs: BoundedPrograms): Promise<OpenedImage> {
  const files = await TarFiles.open(programs, path);
  const contents = new ImageContents(files);
  const isRoot = (await contents.has('/etc')) && (await contents.has('/usr'));
  if (isRoot) return { ...nothing, kind: 'tarball', contents };
  const medium = mediumOf(files);
  return { ...nothing, kind: 'tarball', medium: medium.bootFiles.length > 0 ? medium : null };
}

function mediumOf(files: TarFiles | IsoFiles): Medium {
  return { files: new ImageContents(files), bootFiles: bootFilesAmong(files.paths()) };
}

async function openFileSystem(reader: GrubFstest, fileSystem: string): Promise<OpenedImage> {
  const volume = { device: '(loop0)', partition: null, fileSystem };
  const root = (await rootsAmong(reader, [volume]))[0];
  const contents = root ? contentsOf(reader, [mountOf(root)]) : null;
  return { ...nothing, kind: 'file_system', contents, root: root ? volume : null };
}

async function openDisk(path: string, reader: GrubFstest): Promise<OpenedImage> {
  const file = await open(path);
  try {
    const table = await readPartitionTable(file);
    if (table === null) return { ...nothing, kind: 'disk' };
    return await openPartitions(file, reader, table);
  } finally {
    await file.close();
  }
}

async function openPartitions(file: FileHandle, reader: GrubFstest, table: DiskTable): Promise<OpenedImage> {
  const volumes = await volumesOf(reader, table);
  const roots = await rootsAmong(reader, volumes);
  const root = roots[0];
  const esp = espMount(table);
  const disk: OpenedDisk = {
    table,
    roots,
    sizeBytes: (await file.stat()).size,
    startsOnBios: await startsOnBios(file, table),
    esp: esp && contentsOf(reader, [{ ...esp, at: '/' }]),
  };
  if (!root) return { ...nothing, kind: 'disk', disk };
  const boot = await bootMount(
    reader,
    volumes.filter((volume) => volume !== root.volume),
  );
  const mounts = [mountOf(root), boot, esp].filter((mount) => mount !== null);
  return { ...nothing, kind: 'disk', contents: contentsOf(reader, mounts), root: root.volume, disk };
}

const contentsOf = (reader: GrubFstest, mounts: Mount[]) =>
  new ImageContents(new VolumeFiles(reader, mounts));

const mountOf = ({ volume, top }: Root): Mount => ({ at: '/', device: volume.device, top });

/** The partition that is mounted at /boot is told by what is in it. */
async function bootMount(reader: GrubFstest, volumes: Volume[]): Promise<Mount | null> {
  for (const { device } of volumes) {
    const names = await reader.list(device, '/');
    if (names.some((name) => /^(vmlinuz|grub2?$)/.test(name))) return { at: '/boot', device, top: '' };
  }
  return null;
}

/** UEFI Specification 2.10, 5.3.3 and 5.2.2. */
const isEsp = ({ type }: DiskPartition): boolean =>
  type === 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' || type === 'ef';

function espMount({ type, partitions }: DiskTable): Mount | null {
  const esp = partitions.find((each) => isEsp(each) && each.fileSystem === 'fat');
  if (!esp) return null;
  return { at: '/boot/efi', device: `(loop0,${type === 'gpt' ? 'gpt' : 'msdos'}${esp.number})`, top: '' };
}
