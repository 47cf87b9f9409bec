import { bootModes, findingResults, imageKinds, imageStages } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { imageInstall } from './image-install.js';
import { listOf } from './paging.js';

const partition = z.object({
  number: z.int(),
  startBytes: z.int(),
  sizeBytes: z.int(),
  type: z.string().meta({ description: 'GPT: the type GUID; MBR: two hexadecimal digits' }),
  name: z.string().nullable(),
  fileSystem: z.string().nullable(),
});

const imageDescription = z
  .object({
    os: z.object({ id: z.string(), name: z.string(), version: z.string().nullable() }).nullable(),
    architecture: z
      .string()
      .nullable()
      .meta({ examples: ['x86_64'] }),
    bootModes: z
      .array(z.enum(bootModes))
      .meta({ description: 'The firmware that it starts on by what it brings itself' }),
    installableBootModes: z
      .array(z.enum(bootModes))
      .meta({ description: 'Whose boot loaders can be installed from what it brings' }),
    partitionTable: z
      .object({ type: z.enum(['gpt', 'mbr']), sectorBytes: z.int(), partitions: z.array(partition) })
      .nullable(),
    rootPartition: z.int().nullable(),
    rootFileSystem: z.string().nullable(),
    kernelArguments: z.string().nullable(),
    defaultUser: z.string().nullable(),
    cloudInit: z
      .boolean()
      .nullish()
      .meta({ description: 'Whether cloud-init configures its OS; else the installer does' }),
    bootFiles: z
      .array(z.object({ kernel: z.string(), initrd: z.string() }))
      .optional()
      .meta({
        description:
          'Of an ISO, or a tarball without an operating system: kernels with their initrds, as paths in it',
        examples: [[{ kernel: 'casper/vmlinuz', initrd: 'casper/initrd' }]],
      }),
  })
  .meta({ id: 'ImageDescription' });

export const imageFinding = z
  .object({
    check: z.string().meta({ examples: ['growpart'] }),
    result: z.enum(findingResults),
    message: z.string(),
    remedy: z.string().optional(),
  })
  .meta({ id: 'ImageFinding' });

export const imageView = z
  .object({
    id: f.uuid,
    name: z.string(),
    kind: z.enum(imageKinds),
    format: z.string().meta({ description: 'Of the file that was sent', examples: ['raw', 'qcow2'] }),
    sha256: f.sha256.meta({ description: 'Of the stored file' }),
    sourceSha256: f.sha256.meta({ description: 'Of the file that was sent' }),
    compressedBytes: z.int().meta({ description: 'Size of the stored file' }),
    uncompressedBytes: z.int().meta({ description: 'Size of the content: file system, disk or tarball' }),
    dataBytes: z.int().meta({ description: 'What of it is stored; the rest is zeros' }),
    fileSystem: z
      .string()
      .nullable()
      .meta({ description: 'Of an image that is one', examples: ['ext4'] }),
    defaultUser: z.string().nullable(),
    sourceUrl: z
      .string()
      .nullable()
      .meta({ description: 'Where it was fetched from, without the query; null: it was sent' }),
    description: imageDescription.nullable().meta({ description: 'What was read from inside it' }),
    findings: z.array(imageFinding).meta({ description: 'How it meets the requirements on images' }),
    install: imageInstall
      .nullable()
      .meta({ description: 'How it is installed; null: as is usual for its kind' }),
    lastUsedAt: f.timestamp.nullable(),
    createdAt: f.timestamp,
  })
  .meta({ id: 'Image' });

/** How far the controller is with an image that it takes in, or looks into anew. */
export const imageProgress = z
  .object({
    stage: z.enum(imageStages).meta({
      description:
        'fetch: it comes, and is unpacked on the way. convert: what is in a disk image is read out. check: it is looked into. pack: it is stored. unpack: what is stored is read again',
    }),
    doneBytes: z.int().meta({ description: 'In this stage' }),
    totalBytes: z.int().nullable().meta({ description: 'null: nobody knows' }),
  })
  .meta({ id: 'ImageProgress' });

export const imageList = listOf(imageView).meta({ id: 'ImageList' });

export type ImageView = z.infer<typeof imageView>;
