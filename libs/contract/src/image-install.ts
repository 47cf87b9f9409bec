import { answerFormats, completions, installMethods, maxAnswerFileBytes } from '#core';
import { z } from 'zod';

export const installMethod = z.enum(installMethods).meta({
  id: 'InstallMethod',
  description:
    'How a machine comes to run an image. copy: onto partitions; image: a whole disk; iscsi: a whole disk that the controller writes; netinstall: the installer of the distribution; live: in memory; manual: by a person',
});

const path = z
  .string()
  .max(1024, 'is longer than 1024 characters')
  .regex(/^[^/\s\\'"][^\s\\'"]*$/, 'is not a path inside the image, such as live/vmlinuz')
  .refine((text) => !text.split('/').includes('..'), 'has ..');

const kernelArguments = z
  .string()
  .max(1500, 'is longer than 1500 characters')
  .regex(/^[\x20-\x7e]*$/, 'is not one line of ASCII')
  .default('')
  .meta({
    description:
      'For its kernel, as a template: {{ treeUrl }}, {{ answerFileUrl }}, {{ metadataUrl }}. Those of the instance type come besides',
  });

const kernel = {
  kernel: path.meta({ description: 'Kernel, inside the image', examples: ['live/vmlinuz'] }),
  initrd: path.meta({ description: 'Initial RAM disk, inside the image', examples: ['live/initrd.img'] }),
  kernelArguments,
};

const completion = z.enum(completions).meta({
  description: 'How it is known that the OS is up: it notifies `installed`, or answers on SSH',
});

const text = z
  .string()
  .refine(
    (value) => new TextEncoder().encode(value).length <= maxAnswerFileBytes,
    `is longer than ${maxAnswerFileBytes / 1024} KiB`,
  )
  .refine((value) => !value.includes('\0'), 'has NUL characters');

const format = z.enum(answerFormats).meta({
  description:
    'preseed: Debian; autoinstall: Ubuntu; kickstart: the RHEL family; autoyast: openSUSE and SLES',
});

const answerFile = z.union(
  [
    z.strictObject({
      format,
      text: text.nullable().meta({ description: 'A template; null: the one that dodai has for this format' }),
    }),
    z.strictObject({
      format,
      url: z
        .url({ protocol: /^https?$/, error: 'is not a URL that begins with http:// or https://' })
        .max(2048, 'is longer than 2048 characters')
        .meta({ description: 'Where it is: fetched and filled in at each installation' }),
    }),
  ],
  'is neither {format, text} nor {format, url}',
);

export const imageInstall = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.enum(['copy', 'image', 'iscsi']) }),
    z.strictObject({ method: z.literal('netinstall'), ...kernel, answerFile }),
    z.strictObject({ method: z.literal('live'), ...kernel, completion: completion.default('notify') }),
    z.strictObject({
      method: z.literal('manual'),
      instructions: text.min(1, 'is empty').meta({ description: 'What the person is to do; for people' }),
      netboot: z
        .enum(['local', 'live_image'])
        .default('local')
        .meta({ description: 'What the machine boots from the network meanwhile' }),
      power: z.enum(['on', 'off']).default('off').meta({ description: 'How it is when they are called' }),
      completion: completion.default('ssh'),
    }),
  ])
  .meta({ id: 'ImageInstall' });

export const imagePatch = z
  .strictObject({
    install: imageInstall
      .nullable()
      .meta({ description: 'How it is installed from now on; null: as is usual for its kind' }),
  })
  .meta({ id: 'ImagePatch', examples: [{ install: { method: 'iscsi' } }] });

export type ImagePatch = z.infer<typeof imagePatch>;
