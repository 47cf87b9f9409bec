import type { BootMode } from './domain.js';
import type { ImageKind } from './image-kinds.js';
import type { ImageInstall } from './install-methods.js';

/**
 * What is done with an image, one after another: its file comes and is unpacked on the way (`fetch`), what is in a disk image is
 * read out (`convert`), it is looked into (`check`), and is cut into chunks that are packed (`pack`). `unpack` is the reverse.
 */
export const imageStages = ['fetch', 'convert', 'check', 'pack', 'unpack'] as const;
export type ImageStage = (typeof imageStages)[number];

/** How far that is. */
export interface ImageProgress {
  stage: ImageStage;
  doneBytes: number;
  /** null: nobody knows. */
  totalBytes: number | null;
}

/** What was read from inside an image; null: it does not say, or it could not be read. */
export interface ImageDescription {
  os: { id: string; name: string; version: string | null } | null;
  /** As the ELF header of its programs says: `x86_64`, `aarch64`. */
  architecture: string | null;
  /** The firmware that it starts on with what it brings itself; empty: it needs a boot loader from the installer. */
  bootModes: BootMode[];
  /** Whose boot loaders the installer can install from what the image brings (a file system or a tarball). */
  installableBootModes: BootMode[];
  partitionTable: ImagePartitionTable | null;
  /** The number of the partition that its root file system is in; null: it has no partitions. */
  rootPartition: number | null;
  /** Of the root file system: `ext4`. */
  rootFileSystem: string | null;
  kernelArguments: string | null;
  defaultUser: string | null;
  /** Whether cloud-init configures the OS; undefined: it was looked into before that was asked. */
  cloudInit?: boolean | null;
  /** What starts the installer or the live system that it is, as paths in it; undefined: it is neither, or was looked into before that was asked. */
  bootFiles?: BootFiles[];
}

/** A kernel and the initrd that belongs to it. */
export interface BootFiles {
  kernel: string;
  initrd: string;
}

export interface ImagePartitionTable {
  type: 'gpt' | 'mbr';
  /** 512, or 4096 for an image that was made for a 4K-native disk. */
  sectorBytes: number;
  partitions: ImagePartition[];
}

export interface ImagePartition {
  number: number;
  startBytes: number;
  sizeBytes: number;
  /** GPT: the type GUID; MBR: two hexadecimal digits. */
  type: string;
  name: string | null;
  fileSystem: string | null;
}

/** What was found when a requirement on images was looked at. */
export const findingResults = ['ok', 'warning', 'fault'] as const;
export interface ImageFinding {
  /** Which requirement, in one word: `growpart`. */
  check: string;
  result: (typeof findingResults)[number];
  /** One sentence for people. */
  message: string;
  /** What to do; ok has none. */
  remedy?: string;
}

/** An OS image as it is kept: its content in chunks, each compressed with zstd by itself, without those that are zeros. */
export interface Image {
  id: string;
  name: string;
  kind: ImageKind;
  /** Of the file that was imported: `raw`, `qcow2`, `tar`. */
  format: string;
  /** Of the stored file, in hexadecimal. */
  sha256: string;
  /** Of the list of chunks, which has a digest for each; empty: there is none, it has to be imported again. */
  chunksSha256: string;
  /** Of the file that was imported: the digest the operator has. */
  sourceSha256: string;
  compressedBytes: number;
  /** Of the content: a disk, a file system, a tarball. */
  uncompressedBytes: number;
  /** What of the content is in chunks; the rest reads as zeros. */
  dataBytes: number;
  /** Of an image that is one file system. */
  fileSystem: string | null;
  defaultUser: string | null;
  /** Where it can be fetched again; null: it was sent. */
  sourceUrl: string | null;
  description: ImageDescription | null;
  findings: ImageFinding[];
  /** How it is installed; null: as is usual for its kind. */
  install: ImageInstall | null;
  lastUsedAt: Date | null;
  createdAt: Date;
}
