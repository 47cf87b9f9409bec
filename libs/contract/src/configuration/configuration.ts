import { configurationSources, defaultsScopes, userDataTypes } from '#core';
import { z } from 'zod';
import * as f from '../fields.js';
import { listOf } from '../paging.js';
import { files } from './files.js';
import { network } from './network.js';
import { sshKey } from './ssh-key.js';
import { userData, vendorData } from './user-data.js';

/** A file name of cloud-init's own, so that nothing else is told from it. */
const metadataKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'is not a key: letters, digits, . _ : -; at most 255');

const password = z
  .string()
  .min(1, 'is empty: leave it out')
  .max(255)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'holds a control character');

/**
 * crypt(5). DES and MD5 are broken in minutes; cloud-init (cc_set_passwords) knows no others by their form, and would take what it
 * does not know for the password itself.
 */
const passwordHash = z
  .string()
  .max(512)
  .regex(
    /^\$(5|6|2[ay])\$[./A-Za-z0-9=]+\$[./A-Za-z0-9$]+$/,
    'is not a hash that cloud-init takes for one: $6$… (openssl passwd -6), $5$… or $2y$…',
  );

/** What can be given at spawn, and as defaults of a cluster, an instance type or a machine. */
export const configurationShape = {
  sshKeys: z.array(sshKey).max(64).optional().meta({ description: 'OpenSSH public keys that may log in' }),
  password: password
    .optional()
    .meta({ description: 'Of the default user; only its hash is kept. Or give passwordHash' }),
  passwordHash: passwordHash.optional().meta({ description: 'As crypt(5) has it: $6$…' }),
  userData: userData.optional(),
  vendorData: vendorData.optional(),
  files: files.optional(),
  metadata: z
    .record(metadataKey, z.string().max(65_535))
    .refine((all) => Object.keys(all).length <= 128, 'has more than 128 keys')
    .optional()
    .meta({ description: 'Keys and values that the OS reads as meta', examples: [{ role: 'db' }] }),
  network: network.optional(),
  configDrive: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the disk gets a config drive; default: the setting of the controller' }),
};

/** Adds the fault of a request that gives the password in two ways. */
export function onePassword(value: { password?: string; passwordHash?: string }): string | undefined {
  if (value.password === undefined || value.passwordHash === undefined) return undefined;
  return 'is given together with password: give the one or the other';
}

export const configurationDefaults = z
  .strictObject(configurationShape)
  .check(({ value, issues }) => {
    const message = onePassword(value);
    if (message !== undefined) issues.push({ code: 'custom', path: ['passwordHash'], message, input: '' });
  })
  .meta({
    id: 'ConfigurationDefaults',
    examples: [{ sshKeys: ['ssh-ed25519 AAAAC3Nz ops@desk'], metadata: { site: 'north' } }],
  });

const source = z.enum(configurationSources);

const partView = z.object({
  type: z.enum(userDataTypes).nullable(),
  fileName: z.string().nullable(),
  template: z.boolean().nullable(),
  item: z.string().nullable().meta({
    description:
      'The part of the library it is: name@version; the other fields are null until a spawn takes it',
  }),
  bytes: z.int().nullable(),
});

/** What is secret is told of, and not shown. */
export const configurationView = z
  .object({
    sshKeys: z.array(z.string()),
    hasPassword: z.boolean(),
    userData: z
      .object({
        bytes: z.int().nullable().meta({ description: 'null: it is put together from the parts' }),
        sha256: f.sha256.nullable(),
        parts: z.array(partView).nullable(),
      })
      .nullable()
      .meta({ description: 'null: none' }),
    vendorData: z.array(partView),
    files: z.array(
      z.object({ path: z.string(), mode: z.string(), owner: z.string(), bytes: z.int(), sha256: f.sha256 }),
    ),
    metadata: z.record(z.string(), z.string()),
    network: network.nullable().meta({ description: 'null: DHCP on the card that the machine boots from' }),
    launchIndex: z.int(),
    configDrive: z.boolean(),
    readyMadeDrive: z.boolean().meta({ description: 'The config drive was given ready-made' }),
    sources: z.record(z.string(), source).meta({
      description: 'Where each value comes from',
      examples: [{ 'sshKeys.0': 'cluster', network: 'machine' }],
    }),
  })
  .meta({ id: 'Configuration', description: "What makes the OS its owner's" });

export const defaultsScope = z.enum(defaultsScopes).meta({ description: 'What they are the defaults of' });
export const defaultsName = z.union([f.cluster, f.uuid], 'is neither a name nor an id');

export const configurationDefaultsView = z
  .object({
    scope: defaultsScope,
    name: z.string().meta({ description: 'Of the cluster or instance type; of a machine its id' }),
    ...configurationView
      .omit({ launchIndex: true, readyMadeDrive: true, sources: true, hasPassword: true })
      .partial().shape,
    hasPassword: z.boolean(),
    updatedAt: f.timestamp,
    updatedBy: z.string(),
  })
  .meta({ id: 'ConfigurationDefaultsView' });

export const configurationDefaultsList = listOf(configurationDefaultsView).meta({
  id: 'ConfigurationDefaultsList',
});

export type ConfigurationDefaults = z.infer<typeof configurationDefaults>;
export type ConfigurationDefaultsInput = z.input<typeof configurationDefaults>;
export type ConfigurationDefaultsView = z.infer<typeof configurationDefaultsView>;
export type ConfigurationView = z.infer<typeof configurationView>;
