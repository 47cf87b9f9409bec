import {
  afterDestroyPolicies,
  diskMib,
  type Divided,
  partitionsMib,
  readBackPolicies,
  wipeModes,
} from '#core';
import { z } from 'zod';
import { diskLayout } from './disk-layout.js';
import * as f from './fields.js';
import { installMethod } from './image-install.js';
import { listOf } from './paging.js';

const sizeMib = z.int().min(0).max(1_073_741_824);

const fields = {
  vcpus: z.int().min(1).max(4096).meta({ description: 'CPU threads' }),
  memoryMb: z.int().min(1).max(1_073_741_824).meta({ description: 'Memory in MiB' }),
  localGb: z.int().min(0).max(1_048_576).meta({ description: 'Disk in GB; 0: there is none' }),
  rootSizeMib: sizeMib.min(64).meta({ description: 'Root partition, MiB' }),
  swapSizeMib: sizeMib.meta({ description: 'Swap partition, MiB' }),
  kdumpSizeMib: sizeMib.meta({ description: 'Partition for kernel dumps, MiB' }),
  ephemeralSizeMib: sizeMib.meta({ description: 'Ephemeral partition, MiB; 0: the rest of the disk' }),
  diskLayout: diskLayout.nullable(),
  readBack: z.enum(readBackPolicies).meta({
    description: 'How much of an image is read again from the disk and compared, once it is written',
  }),
  wipeMode: z.enum(wipeModes).meta({
    description:
      'How thoroughly destroy clears the disks. quick: signatures, partition tables and keys; discard: all of the disk too, read back as zeros; secure_erase: the NVMe or ATA command of the disk itself; overwrite: zeros on every sector',
  }),
  kernelArguments: z
    .string()
    .min(1, 'is empty')
    .max(1000, 'is longer than 1000 characters')
    .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'is not words of ASCII with one space between them')
    .regex(/^[^\\'"$`{}]*$/, 'has quotes, or one of \\ $ ` { }')
    .nullable()
    .meta({
      description:
        'Words for every kernel on machines of this type: live image, installer and installed OS. null: console=tty0 console=ttyS0,115200n8, and an image of a whole disk keeps what it has',
      examples: ['console=ttyS1,115200n8 intel_iommu=on'],
    }),
  forbiddenMethods: z
    .array(installMethod)
    .meta({ description: 'Nothing is installed so on machines of this type' }),
  afterDestroy: z.enum(afterDestroyPolicies).meta({
    description:
      '`reinstall`: a machine that was given back is installed with the default image and waits in the pool',
  }),
  poolSize: z
    .int()
    .min(0)
    .max(100_000)
    .meta({ description: 'How many machines are kept waiting in the pool with the default image' }),
};

const defaultImage = f.idOrName.nullable().meta({
  description: 'Image of the machines that wait in the pool, by id or name; null: none',
});

/** What is wrong with the sizes, in words: the partitions must fit the smallest disk of this type. */
export function layoutFault(type: Divided & { localGb: number }): string | undefined {
  if (type.localGb === 0) return undefined; // nothing is installed to a disk there
  const neededMib = partitionsMib(type);
  const mib = diskMib(type.localGb);
  if (neededMib <= mib) return undefined;
  return `has ${mib} MiB (${type.localGb} GB), but the partitions need ${neededMib} MiB`;
}

export const instanceTypeCreate = z
  .strictObject({
    name: f.name.meta({ description: 'Unique name', examples: ['standard'] }),
    vcpus: fields.vcpus,
    memoryMb: fields.memoryMb,
    localGb: fields.localGb,
    rootSizeMib: fields.rootSizeMib.default(10_240),
    swapSizeMib: fields.swapSizeMib.default(2048),
    kdumpSizeMib: fields.kdumpSizeMib.default(10_240),
    ephemeralSizeMib: fields.ephemeralSizeMib.default(0),
    diskLayout: fields.diskLayout.default(null),
    readBack: fields.readBack.default('sampled'),
    wipeMode: fields.wipeMode.default('discard'),
    kernelArguments: fields.kernelArguments.default(null),
    forbiddenMethods: fields.forbiddenMethods.default([]),
    afterDestroy: fields.afterDestroy.default('none'),
    poolSize: fields.poolSize.default(0),
    defaultImage: defaultImage.default(null),
  })
  .check(({ value, issues }) => {
    const message = layoutFault(value);
    if (message !== undefined)
      issues.push({ code: 'custom', path: ['localGb'], message, input: value.localGb });
  })
  .meta({
    id: 'InstanceTypeCreate',
    examples: [{ name: 'standard', vcpus: 8, memoryMb: 32_768, localGb: 480 }],
  });

export const instanceTypePatch = z
  .strictObject({ ...fields, defaultImage })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'names no field to change')
  .meta({ id: 'InstanceTypePatch' });

export const instanceTypeView = z
  .object({ name: z.string(), ...fields, defaultImageId: f.uuid.nullable(), createdAt: f.timestamp })
  .meta({ id: 'InstanceType' });

export const instanceTypeList = listOf(instanceTypeView).meta({ id: 'InstanceTypeList' });

export type InstanceTypeCreate = z.infer<typeof instanceTypeCreate>;
export type InstanceTypePatch = z.infer<typeof instanceTypePatch>;
export type InstanceTypeView = z.infer<typeof instanceTypeView>;
