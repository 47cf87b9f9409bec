import { machineStates } from '#core';
import { z } from 'zod';
import { configurationShape, onePassword } from './configuration/index.js';
import * as f from './fields.js';
import { installMethod } from './image-install.js';
import { zone } from './zone.js';

/** A file system of 64 MiB, packed and in base64, is no longer than that. */
const longestDrive = 90 * 1024 * 1024;

const readyMadeDrive = z.union(
  [
    z.boolean(),
    z.strictObject({
      base64: z
        .base64('is not base64')
        .max(longestDrive, 'is longer than 64 MiB in base64: a config drive has 64 MiB at most')
        .meta({ description: 'gzip of an ISO 9660 or VFAT file system, in base64' }),
    }),
    z.strictObject({
      url: z
        .url({ protocol: /^https?$/, error: 'is not a URL that begins with http:// or https://' })
        .max(4096)
        .meta({ description: 'Where such a file is; it is fetched at once' }),
    }),
  ],
  'is neither true nor false, nor {base64}, nor {url}',
);

const byZone = ['cluster', 'vlanId', 'createCluster'] as const;

export const instanceCreate = z
  .strictObject({
    hostName: f.hostName,
    image: f.idOrName.meta({ description: 'Image, by id or name', examples: ['debian-12'] }),
    instanceType: f.name.meta({ description: 'Instance type', examples: ['standard'] }),
    installMethod: installMethod.optional().meta({ description: 'Default: as the image says' }),
    machine: f.idOrName.optional().meta({ description: 'This machine and no other, by id or name' }),
    availabilityZone: zone.optional(),
    cluster: f.cluster.optional().meta({ description: 'Cluster it is for; none: the resource pool' }),
    vlanId: f.vlanId.optional(),
    createCluster: z
      .boolean()
      .optional()
      .meta({ description: 'Whether the cluster may begin with this instance; default: it may' }),
    labels: f.labels.optional().meta({ description: 'Labels that the machine must have' }),
    minVcpus: z
      .int()
      .min(1)
      .max(4096)
      .optional()
      .meta({ description: 'CPU threads of the machine, at least' }),
    minMemoryMb: z
      .int()
      .min(1)
      .max(1_073_741_824)
      .optional()
      .meta({ description: 'Memory of the machine in MiB, at least' }),
    minLocalGb: z
      .int()
      .min(1)
      .max(1_048_576)
      .optional()
      .meta({ description: 'Disk of the machine in GB, at least' }),
    antiAffinity: f.labelKey.optional().meta({
      description: 'Name of a label: no machine that shares its value with one of the same cluster',
      examples: ['rack'],
    }),
    reuse: z
      .boolean()
      .optional()
      .meta({ description: 'false: install, even where a machine waits in the pool with this image' }),
    ...configurationShape,
    configDrive: readyMadeDrive.optional().meta({
      description:
        'Whether the disk gets a config drive (default: the setting of the controller), or one that is ready-made: {base64} or {url}',
    }),
    launchIndex: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .meta({ description: 'Its number among those that are spawned together; default 0' }),
    defaults: z
      .boolean()
      .optional()
      .meta({ description: 'false: nothing is inherited from cluster, instance type and machine' }),
  })
  .check(({ value, issues }) => {
    const twice = byZone.filter((field) => value[field] !== undefined);
    if (value.availabilityZone === undefined || twice.length === 0) return;
    const message = `is given together with ${twice.join(', ')}: give the one or the other`;
    issues.push({ code: 'custom', path: ['availabilityZone'], message, input: value });
  })
  .check(({ value, issues }) => {
    const message = onePassword(value);
    if (message !== undefined) issues.push({ code: 'custom', path: ['passwordHash'], message, input: '' });
  })
  .transform(({ availabilityZone, ...fields }) => {
    if (!availabilityZone?.cluster) return fields;
    const { cluster, vlanId, createCluster } = availabilityZone;
    return { ...fields, cluster, vlanId: vlanId ?? undefined, createCluster };
  })
  .meta({
    id: 'InstanceCreate',
    examples: [
      {
        hostName: 'db1',
        image: 'debian-12',
        instanceType: 'standard',
        sshKeys: ['ssh-ed25519 AAAAC3Nz me@desk'],
      },
    ],
  });

export const spawnQuery = z.strictObject({
  dryRun: f.flagInText.meta({
    description: 'true: only tell what would be chosen, and why the others would not. Nothing is reserved',
  }),
});

export const ways = ['reuse', 'install', 'replace'] as const;

/** Most machines named for one reason. */
export const mostNamed = 10;

export const spawnPreview = z
  .object({
    chosen: z
      .object({
        id: f.uuid,
        name: z.string(),
        state: z.enum(machineStates),
        way: z.enum(ways).meta({
          description:
            '`reuse`: the OS that waits there is handed over; `install`: it is installed; `replace`: it waits with another image and is installed anew',
        }),
      })
      .nullable()
      .meta({ description: 'null: it would be refused, no machine will do' }),
    alternatives: z.int().meta({ description: 'How many other machines would do too' }),
    refused: z
      .array(
        z.object({
          reason: z.string().meta({ examples: ['is in maintenance'] }),
          count: z.int().meta({ description: 'Machines that this speaks against' }),
          machines: z
            .array(z.string())
            .meta({ description: `Names of the first of them, at most ${mostNamed}` }),
        }),
      )
      .meta({
        description: 'Why the others would not be taken. A machine is counted with each of its reasons',
      }),
  })
  .meta({ id: 'SpawnPreview', description: 'What a spawn would choose at this moment' });

export type InstanceCreate = z.infer<typeof instanceCreate>;
export type InstanceCreateInput = z.input<typeof instanceCreate>;
export type SpawnQuery = z.infer<typeof spawnQuery>;
export type SpawnPreview = z.infer<typeof spawnPreview>;
