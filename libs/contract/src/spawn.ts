import { machineStates } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { zone } from './zone.js';

const sshKey = z
  .string()
  .max(16_384)
  .overwrite((text) => text.trim())
  .regex(
    /^(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,3}( [^\r\n]*)?$/,
    'is not an OpenSSH public key on one line',
  );

const userDataLimitBytes = 64 * 1024;

/** What is wrong with a script that the OS is to run, in words. */
function userDataFault(text: string): string | undefined {
  if (!text.startsWith('#!'))
    return 'is not a script: its first line must begin with #!, such as #!/bin/sh; cloud-config and other kinds are not run';
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > userDataLimitBytes)
    return `has ${bytes.length} bytes; at most ${userDataLimitBytes} are taken: let it fetch the rest`;
  if (text.includes('\0')) return 'holds a NUL character, which no script may';
  if (new TextDecoder().decode(bytes) !== text) return 'is not text in UTF-8';
  return undefined;
}

const userData = z
  .string()
  .check(({ value, issues }) => {
    const message = userDataFault(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  })
  .meta({
    description: 'Script that the OS runs once, when it first comes up: begins with #!, at most 64 KiB',
    examples: ['#!/bin/sh\necho hello > /root/hello\n'],
  });

const byZone = ['cluster', 'vlanId', 'createCluster'] as const;

export const instanceCreate = z
  .strictObject({
    hostName: f.hostName,
    image: f.idOrName.meta({ description: 'Image, by id or name', examples: ['debian-12'] }),
    instanceType: f.name.meta({ description: 'Instance type', examples: ['standard'] }),
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
    sshKeys: z.array(sshKey).max(64).default([]).meta({ description: 'OpenSSH public keys that may log in' }),
    userData: userData.optional(),
  })
  .check(({ value, issues }) => {
    const twice = byZone.filter((field) => value[field] !== undefined);
    if (value.availabilityZone === undefined || twice.length === 0) return;
    const message = `is given together with ${twice.join(', ')}: give the one or the other`;
    issues.push({ code: 'custom', path: ['availabilityZone'], message, input: value });
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
