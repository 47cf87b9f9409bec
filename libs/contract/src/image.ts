import { z } from 'zod';
import * as f from './fields.js';
import { listOf } from './paging.js';

export const imageUploadQuery = z.strictObject({
  name: f.name.meta({ description: 'Unique name', examples: ['debian-12'] }),
  sha256: f.sha256Input.meta({ description: 'SHA-256 of the file as you send it' }),
  defaultUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a user name')
    .optional()
    .meta({ description: 'User that SSH keys are put in for', examples: ['debian'] }),
});

export const imageView = z
  .object({
    id: f.uuid,
    name: z.string(),
    sha256: f.sha256.meta({ description: 'Of the stored file, as machines receive it' }),
    sourceSha256: f.sha256.meta({ description: 'Of the file that was sent' }),
    compressedBytes: z.int().meta({ description: 'Size of the stored file' }),
    uncompressedBytes: z.int().meta({ description: 'Size of the file system' }),
    fileSystem: z.string().meta({ examples: ['ext4'] }),
    defaultUser: z.string().nullable(),
    createdAt: f.timestamp,
  })
  .meta({ id: 'Image' });

export const imageList = listOf(imageView).meta({ id: 'ImageList' });

export type ImageUploadQuery = z.infer<typeof imageUploadQuery>;
export type ImageView = z.infer<typeof imageView>;
