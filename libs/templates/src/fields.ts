import { diskTransports } from '#core';
import { z } from 'zod';

/** One line: what a template puts on a line of its own cannot begin another. Also free of NUL. */
const oneLine = /^\P{Cc}*$/u;
const hostNamePattern =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const sshKeyPattern = /^(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}( .*)?$/;

/** zod gives a format's own message precedence; what is not there at all is better called missing. */
const unlessMissing = (message: string) => (issue: { input?: unknown }) =>
  issue.input === undefined ? 'is missing' : message;

export const line = z.string().regex(oneLine, 'has control characters or more than one line');

export const id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is not an id: letters, digits, dot, dash, underscore');

/** Without white space, quotes or backslashes in any form, so that it is one word to pxelinux and the kernel too. */
export const url = z
  .url({ protocol: /^https?$/, error: unlessMissing('is not an http or https URL') })
  .regex(/^[\x21-\x7e]+$/, 'has characters that a URL has to escape')
  .max(1024, 'is longer than 1024 characters');

export const token = line.min(1, 'is empty').max(4096, 'is longer than 4096 characters');
export const mac = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'is not a MAC address such as 52:54:00:12:34:56');
export const ipv4 = z.ipv4('is not an IPv4 address');
export const hostName = z.string().regex(hostNamePattern, 'is not a host name');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 digest: 64 lower-case hexadecimal digits');
export const bytes = z.int('is not a whole number of bytes').positive('is not a number of bytes above 0');
export const bytesOrNone = z.int('is not a whole number of bytes').min(0, 'is below 0');
export const count = z.int('is not a whole number').positive('is not above 0');
const mib = z.int('is not a whole number of MiB').min(0, 'is below 0');

export const sshKey = line
  .regex(sshKeyPattern, 'is not an SSH public key: type, key and comment on one line')
  .max(16_384, 'is longer than 16384 characters');

/** A script with the line that names its interpreter; whatever else is in it is the owner's business. */
export const userData = z
  .string()
  .regex(/^#!/, 'does not begin with #!')
  .regex(/^[^\0]*$/, 'has NUL characters')
  .max(65_536, 'is longer than 65536 characters');

/** What may be absent is empty in the template, never undefined: a misspelt name stays an error. */
export const orEmpty = <T extends z.ZodType<string | number>>(field: T) => field.nullish().transform((value) => value ?? '');

/** What chpasswd takes on a line of its own. */
export const passwordHash = z.string().regex(/^\$[\x21-\x39\x3b-\x7e]{3,1023}$/, 'is not a password hash such as $6$…');

/** A list has one a line, after mode and owner. */
export const file = z.strictObject({
  path: line
    .regex(/^\/./, 'is not absolute')
    .max(4096, 'is longer than 4096 characters')
    .refine((path) => !path.split('/').includes('..'), 'has ..'),
  base64: z.base64('is not base64'),
  mode: z.string().regex(/^[0-7]{4}$/, 'is not a mode such as 0644'),
  owner: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/, 'is not an owner such as root:root'),
});

export const rootDeviceHint = z.strictObject({
  serial: line.optional(),
  wwn: line.optional(),
  model: line.optional(),
  path: line.optional(),
  minSizeGb: z.number().positive().optional(),
  maxSizeGb: z.number().positive().optional(),
  rotational: z.boolean().optional(),
  transport: z.enum(diskTransports).optional(),
  nvmeNamespace: line.optional(),
});

const planned = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'is not a name of a volume'),
  use: z.enum(['bios_boot', 'esp', 'config_drive', 'root', 'swap', 'kdump', 'data', 'lvm']),
  sizeMib: mib.nullable(),
  fileSystem: line.nullable(),
  mountPoint: line.nullable(),
  encrypted: z.boolean(),
};

/** As `diskPlan` of the domain makes it. */
export const diskPlan = z.strictObject({
  disks: z.literal([1, 2]),
  neededMib: mib,
  partitions: z.array(
    z.strictObject({
      ...planned,
      number: z.int().min(1).max(128),
      partitionMib: mib.nullable(),
      mirrored: z.boolean(),
      volumes: z.array(z.strictObject(planned)),
    }),
  ),
});

/** Of a file below the controller, without the slash it begins with. */
export const bootPath = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'has characters that a path over TFTP cannot have')
  .max(1024, 'is longer than 1024 characters');

export const kernelArgument = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'is not one word of printable ASCII characters')
  .max(1024, 'is longer than 1024 characters');
