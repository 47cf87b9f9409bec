import { bootModes, findingResults, imageKinds } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { listOf } from './paging.js';
import { readSums } from './sums.js';

/** What the operator calls an image, and what is known of its file: a digest, or a list that has one. */
const imageOrder = {
  name: f.name.meta({ description: 'Unique name', examples: ['debian-12'] }),
  sha256: f.sha256Input.optional().meta({ description: 'SHA-256 of the file as it is sent' }),
  sha512: f.sha512Input.optional().meta({ description: 'SHA-512 of the file as it is sent' }),
  sums: z.string().max(262_144, 'is longer than 256 KiB').optional().meta({
    description:
      'In place of a digest: the text of a SHA256SUMS or SHA512SUMS file, in the form of coreutils or BSD',
  }),
  fileName: z
    .string()
    .min(1, 'is empty')
    .max(255, 'is longer than 255 characters')
    .optional()
    .meta({ description: 'The file that the list is asked for', examples: ['debian-12.ext4.zst'] }),
  defaultUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a user name')
    .optional()
    .meta({ description: 'User that SSH keys are put in for', examples: ['debian'] }),
};

type ImageOrder = z.output<z.ZodObject<typeof imageOrder>>;

/** The digests in place of all the ways to give them; at least one is there. */
function withDigests<Order extends ImageOrder>(order: Order, context: z.RefinementCtx) {
  const { sha256, sha512, sums, fileName, ...rest } = order;
  const fault = (field: string, message: string) => {
    context.addIssue({ code: 'custom', path: [field], message });
    return z.NEVER;
  };
  if (sums === undefined) {
    if (fileName !== undefined) return fault('fileName', 'is of use only beside sums');
    if (sha256 === undefined && sha512 === undefined)
      return fault('sha256', 'is missing: give sha256, sha512, or sums with fileName');
    return { ...rest, digests: { sha256, sha512 } };
  }
  if (sha256 !== undefined || sha512 !== undefined)
    return fault('sums', 'is given beside a digest: give the one or the other');
  if (fileName === undefined) return fault('fileName', 'is missing: which line of sums is meant?');
  const reading = readSums(sums, fileName);
  return 'fault' in reading ? fault('sums', reading.fault) : { ...rest, digests: reading.digests };
}

export const imageUploadQuery = z.strictObject(imageOrder).transform(withDigests);

const hasNoCredentials = (text: string) =>
  !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === '');

/** An image that the controller fetches; a list of digests is asked for the last part of the URL unless told otherwise. */
export const imageFetch = z
  .strictObject({
    ...imageOrder,
    url: z
      .url({ protocol: /^https?$/, error: 'is not a URL that begins with http:// or https://' })
      .max(2048, 'is longer than 2048 characters')
      .refine(hasNoCredentials, 'has a user name or password: they would be shown in logs and errors')
      .meta({
        description: 'Where the image is',
        examples: ['https://images.example.org/debian-12.ext4.zst'],
      }),
  })
  .transform((order, context) => {
    const fileName = order.sums === undefined ? order.fileName : (order.fileName ?? fileNameOf(order.url));
    return withDigests({ ...order, fileName }, context);
  })
  .meta({ id: 'ImageFetch' });

/** The last part of a URL's path, as a list of digests would have it. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a percent sign that stands for itself
  }
}

/** How far the controller is with fetching an image. */
export const imageFetchProgress = z
  .object({
    receivedBytes: z.int(),
    totalBytes: z.int().nullable().meta({ description: 'null: the server did not say' }),
  })
  .meta({ id: 'ImageFetchProgress' });

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
    lastUsedAt: f.timestamp.nullable(),
    createdAt: f.timestamp,
  })
  .meta({ id: 'Image' });

export const imageList = listOf(imageView).meta({ id: 'ImageList' });

export type ImageUploadQuery = z.output<typeof imageUploadQuery>;
export type ImageUploadInput = z.input<typeof imageUploadQuery>;
export type ImageFetch = z.output<typeof imageFetch>;
export type ImageFetchInput = z.input<typeof imageFetch>;
export type ImageFetchProgress = z.output<typeof imageFetchProgress>;
export type ImageView = z.infer<typeof imageView>;
