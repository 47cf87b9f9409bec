import { dataFileSystems, type DiskLayout, layoutFaults, rootFileSystems } from '#core';
import { z } from 'zod';

const largestMib = 1_073_741_824;
/** Where the OS itself lives: these belong to root. */
const ofTheOs = /^\/(bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|run|sbin|sys|usr)(\/|$)/;

const sizeMib = z
  .union([z.int().min(1).max(largestMib), z.literal('rest')], 'is neither a size in MiB nor "rest"')
  .meta({ description: 'MiB, or `rest` for the last of a list' });

const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/,
    'is not a name: small letters, digits and dashes; at most 32',
  )
  .optional()
  .meta({ description: 'Default: its use, or its mount point with dashes; of a volume group: system' });

const mountPoint = z
  .string()
  .regex(/^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/, 'is not a mount point such as /srv')
  .max(255)
  .refine(
    (path) => !ofTheOs.test(path),
    'belongs to the OS, which is on root: choose one such as /srv, /var or /home',
  );

const volumes = [
  z
    .strictObject({ use: z.literal('root'), name, sizeMib, fileSystem: z.enum(rootFileSystems).optional() })
    .meta({
      description: 'Where the OS goes. The file system is for tarballs; other images bring their own',
    }),
  z.strictObject({ use: z.literal('swap'), name, sizeMib }),
  z
    .strictObject({ use: z.literal('kdump'), name, sizeMib })
    .meta({ description: 'For kernel dumps; not mounted' }),
  z.strictObject({
    use: z.literal('data'),
    name,
    mountPoint,
    sizeMib,
    fileSystem: z.enum(dataFileSystems).optional(),
    encrypted: z.boolean().optional().meta({ description: 'LUKS2; the key is kept on root' }),
  }),
] as const;

const unknownUse = 'is not a use: root, swap, kdump or data; a partition can also be lvm';

export const diskLayout: z.ZodType<DiskLayout> = z
  .strictObject({
    raid1: z.boolean().optional().meta({ description: 'Everything on two disks, either of which starts' }),
    espSizeMib: z
      .int()
      .min(260, 'is too small for disks with sectors of 4096 bytes: 260 at least')
      .max(4096)
      .optional()
      .meta({ description: 'EFI system partition of UEFI machines; default 512' }),
    partitions: z
      .array(
        z.discriminatedUnion(
          'use',
          [
            ...volumes,
            z
              .strictObject({
                use: z.literal('lvm'),
                name,
                sizeMib,
                volumes: z
                  .array(z.discriminatedUnion('use', volumes, unknownUse))
                  .min(1)
                  .max(32),
              })
              .meta({ description: 'A volume group' }),
          ],
          unknownUse,
        ),
      )
      .max(32),
  })
  .check(({ value, issues }) => {
    for (const { path, message } of layoutFaults(value))
      issues.push({ code: 'custom', path, message, input: value });
  })
  .meta({
    id: 'DiskLayout',
    description:
      'How the disk is divided, after what the firmware starts from. null: root, swap, kdump and ephemeral in the sizes of the type',
    examples: [
      {
        raid1: true,
        partitions: [
          { use: 'root', sizeMib: 20_480 },
          { use: 'swap', sizeMib: 4096 },
          { use: 'data', mountPoint: '/srv', sizeMib: 'rest', fileSystem: 'xfs', encrypted: true },
        ],
      },
    ],
  });
