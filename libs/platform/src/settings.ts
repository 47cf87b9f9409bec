import { z } from 'zod';
import { isAddressOrNetwork, isHostOrNetwork } from './host-or-network.js';

export const roles = ['api', 'conductor', 'boot'] as const;
export type Role = (typeof roles)[number];

/** As Nova's preallocate_images. */
const imagePreallocations = ['none', 'space'] as const;
export type ImagePreallocation = (typeof imagePreallocations)[number];

/** As Nova's config_drive_format. */
const configDriveFormats = ['iso9660', 'vfat'] as const;
export type ConfigDriveFormat = (typeof configDriveFormats)[number];

const port = z.coerce.number().int().min(0).max(65_535);
const seconds = (fallback: number) => z.coerce.number().positive().default(fallback);
const days = (fallback: number) => z.coerce.number().positive().default(fallback);
const flag = z.stringbool().default(false);
/** Comma-separated. */
const list = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((entry) => entry.trim()))
  .transform((entries) => entries.filter((entry) => entry !== ''));

/** What cloud-init and its like ask for at the top of a metadata service, besides dates. */
const takenNamespaces = new Set(['latest', 'openstack', 'nocloud', 'ec2']);

/** Every setting, by the name of its environment variable. Secrets have no defaults. */
export const configSchema = z.object({
  DODAI_DATA_DIR: z
    .string()
    .min(1)
    .default('/var/lib/dodai')
    .describe('Where the controller keeps everything'),
  DODAI_ROLES: z
    .string()
    .default(roles.join(','))
    .transform((text) => text.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(roles)).min(1))
    .describe('Comma-separated: api, conductor, boot'),
  DODAI_HTTP_HOST: z.string().min(1).default('0.0.0.0').describe('Address of the HTTP listener'),
  DODAI_HTTP_PORT: port.default(7071).describe('Port of the HTTP listener; 0: any free one'),
  DODAI_PUBLIC_URL: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe('How machines reach the HTTP listener; a boot loader speaks plain http'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL; unset: an embedded one in the data directory'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('Redis for the queues; unset: the queues are in PostgreSQL'),
  DODAI_SECRET_KEY: z
    .base64()
    .refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64')
    .optional()
    .describe('Key that BMC passwords are encrypted with; unset: made once in the data directory'),
  DODAI_TFTP_HOST: z.string().min(1).default('0.0.0.0').describe('Address of the TFTP server'),
  DODAI_TFTP_PORT: port.default(69).describe('Port of the TFTP server'),
  DODAI_TFTP_SINGLE_PORT: flag.describe('Send everything from the TFTP port, for firewalls'),
  DODAI_DHCP: z.enum(['off', 'proxy', 'full']).default('off').describe("off: the site's own server"),
  DODAI_DHCP_INTERFACE: z.string().min(1).optional().describe('Interface that DHCP listens on'),
  DODAI_DHCP_RANGE: z
    .string()
    .regex(/^[\d.]+,[\d.]+$/, 'must be FIRST,LAST, for instance 10.0.0.100,10.0.0.199')
    .transform((text) => text.split(',') as [string, string])
    .optional()
    .describe('First and last address given to machines without a reservation (mode full)'),
  DODAI_LIVE_IMAGE_DIR: z.string().min(1).optional().describe('Folder with vmlinuz and initrd.img'),
  DODAI_LIVE_KERNEL_ARGS: z.string().default('').describe('More arguments for the kernel of the live image'),
  DODAI_IMAGE_MAX_GB: z.coerce
    .number()
    .positive()
    .default(64)
    .describe('Size of an image, unpacked, above which it is not taken in; in GiB'),
  DODAI_IMAGE_CONVERT_S: seconds(3600).describe('How long qemu-img may take to read a disk image'),
  DODAI_ISCSI_WRITES: z.coerce
    .number()
    .int()
    .positive()
    .default(4)
    .describe('Disks of machines that the controller writes at a time (install method iscsi)'),
  DODAI_UPLOADS_KEEP_DAYS: days(2).describe(
    'How long an upload is kept that was begun and not ended, or not imported',
  ),
  DODAI_IMAGE_URL_ALLOW: list
    .pipe(z.array(z.string().refine(isHostOrNetwork, 'is no host name, address or network')))
    .describe(
      'Comma-separated hosts and networks that images may be fetched from although they are local, such as mirror.lan,10.1.0.0/16',
    ),
  DODAI_IMAGE_CACHE_REMOVE_UNUSED_BASE_IMAGES: z
    .stringbool()
    .prefault('true')
    .describe(
      'Remove the files of images that came from a URL when nobody uses them; they are fetched again',
    ),
  DODAI_IMAGE_CACHE_REMOVE_UNUSED_ORIGINAL_MINIMUM_AGE_SECONDS: seconds(86_400).describe(
    'How long such an image stays without use',
  ),
  DODAI_IMAGE_CACHE_REMOVE_UNUSED_RESIZED_MINIMUM_AGE_SECONDS: seconds(3600).describe(
    'How long files stay that no image is made of any more',
  ),
  DODAI_IMAGE_CACHE_MAX_GB: z.coerce
    .number()
    .positive()
    .optional()
    .describe(
      'Size of all images above which the longest unused go, in GiB; unset: as much as the disk holds',
    ),
  DODAI_IMAGE_CACHE_PREALLOCATE: z
    .enum(imagePreallocations)
    .default('none')
    .describe(
      'space: the room of an image is allocated on the disk before it comes, as far as its size is known',
    ),
  DODAI_IMAGE_CACHE_MANAGER_INTERVAL: seconds(2400).describe('Between two looks at the cache, in seconds'),
  DODAI_FORCE_CONFIG_DRIVE: z
    .stringbool()
    .prefault('true')
    .describe('Whether disks get a config drive where a spawn does not say'),
  DODAI_CONFIG_DRIVE_FORMAT: z
    .enum(configDriveFormats)
    .default('iso9660')
    .describe('File system of config drives; disks with sectors of 4096 bytes always get vfat'),
  DODAI_NGINX_PORT: port
    .default(7072)
    .describe('Port on which nginx sends images to machines, where it is installed; 0: the controller does'),
  DODAI_METADATA_HOST: z.string().min(1).default('0.0.0.0').describe('Address of the metadata service'),
  DODAI_METADATA_PORT: port
    .default(7073)
    .describe('Port of the metadata service, which only machines are to reach; 0: there is none'),
  DODAI_METADATA_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a short word in lower case, such as dodai')
    .refine((name) => !takenNamespaces.has(name), 'is what another part of the metadata service is called')
    .default('dodai')
    .describe(
      "What the tree of one's own in the metadata service is called: /<namespace>/<version>/meta_data.json",
    ),
  DODAI_METADATA_SHARED_SECRET: z
    .string()
    .min(16, 'must have at least 16 characters')
    .optional()
    .describe('What a proxy signs the instance id with that it adds; unset: no signature is taken'),
  DODAI_METADATA_TRUSTED_PROXIES: list
    .pipe(z.array(z.string().refine(isAddressOrNetwork, 'is no address or network')))
    .describe('Comma-separated addresses and networks whose X-Forwarded-For the metadata service believes'),
  DODAI_METADATA_RATE: z.coerce
    .number()
    .int()
    .min(1)
    .default(100)
    .describe(
      'Requests per second of one caller to the metadata service; five times as many once in a minute',
    ),
  DODAI_METADATA_ROUTE: flag.describe(
    'DHCP (mode full) gives machines a route to 169.254.169.254 through this controller, which must answer there',
  ),
  DODAI_LEGACY_MONITOR_PORT: port
    .optional()
    .describe("Port for GET /<instance>/<state> of dodai's monitor; unset: off"),
  DODAI_BMC_TIMEOUT_S: seconds(10).describe('How long one command to a BMC may take'),
  DODAI_POWER_SYNC_S: z.coerce
    .number()
    .min(0)
    .default(60)
    .describe('How often the power of machines at rest is looked at, give or take half; 0: never'),
  DODAI_POWER_SYNC_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .default(4)
    .describe('How many BMCs that looks at once; one that keeps it waiting does not count'),
  DODAI_DEADLINE_POWER_S: seconds(120).describe('For a BMC to switch a machine on or off'),
  DODAI_DEADLINE_BOOTING_S: seconds(900).describe(
    'From power on, or the last boot file that was fetched, to the first word of the live image',
  ),
  DODAI_DEADLINE_INSTALL_S: seconds(600).describe('Without a word from an installer'),
  DODAI_DEADLINE_SOFT_OFF_S: seconds(90).describe(
    'For a machine to switch itself off before it is switched off hard',
  ),
  DODAI_DEADLINE_BOOTING_DISK_S: seconds(1200).describe('From power on to installed'),
  DODAI_DEADLINE_DELETE_S: seconds(900).describe('Without a word from a wipe'),
  DODAI_DEADLINE_HAND_OVER_S: seconds(900).describe(
    'For a pool machine that is on to take its new owner, with a restart where cloud-init takes part; then it is installed instead',
  ),
  DODAI_DEADLINE_OPERATOR_S: seconds(604_800).describe('For a person who installs a machine by hand; a week'),
  DODAI_OPERATOR_WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where it is told that a person is called to a machine; unset: on the timeline only'),
  DODAI_OPERATOR_WEBHOOK_SECRET: z
    .string()
    .transform((text) => text.replace(/^whsec_/, ''))
    .pipe(z.base64('must be base64, with or without whsec_ before it'))
    .refine((text) => Buffer.from(text, 'base64').length >= 24, 'must have at least 24 bytes')
    .optional()
    .describe('What its requests are signed with, as Standard Webhooks has it: 24 bytes or more in base64'),
  DODAI_RETRIES: z.coerce
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('How often a work that failed, for a reason that may pass, is tried again by itself'),
  DODAI_RETRY_BACKOFF_S: seconds(30).describe('Wait before the first new try; it doubles, give or take half'),
  DODAI_EVENTS_KEEP_DAYS: days(180).describe('How long the timeline is kept'),
  DODAI_LOGS_KEEP_DAYS: days(30).describe(
    'How long its bulky part is kept: installer logs, consoles, progress',
  ),
  DODAI_EVENTS_MAX_MB: z.coerce
    .number()
    .positive()
    .default(4096)
    .describe('Size of the timeline with its indexes above which the oldest of it goes, logs before facts'),
  DODAI_SWEEP_S: seconds(60).describe(
    'Between two rounds that wake machines that are due, should a wake-up have got lost',
  ),
  DODAI_CONSOLE_SESSIONS: z.coerce
    .number()
    .int()
    .min(0)
    .default(32)
    .describe('Serial consoles that are captured at a time while machines are worked on; 0: none'),
  DODAI_CLOUD_CONFIG_SCHEMA: z
    .string()
    .min(1)
    .optional()
    .describe("JSON schema that cloud-config is checked against; unset: that of Debian's cloud-init"),
  DODAI_CLOUD_CONFIG_POLICY: z
    .enum(['refuse', 'warn', 'off'])
    .default('refuse')
    .describe('What becomes of cloud-config that does not fit it; what is no YAML is always refused'),
  DODAI_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('What is logged'),
  DODAI_LOG_PRETTY: flag.describe('Log for people, not for programs'),
});

export type Settings = z.output<typeof configSchema>;

/** What one setting needs of another. */
export const wholeSettings = configSchema.superRefine((settings, context) => {
  if (settings.DODAI_DHCP !== 'off' && !settings.DODAI_DHCP_INTERFACE)
    context.addIssue({
      code: 'custom',
      path: ['DODAI_DHCP_INTERFACE'],
      message: `is needed with DODAI_DHCP=${settings.DODAI_DHCP}: DHCP never listens on an interface it was not told`,
    });
  if (settings.DODAI_OPERATOR_WEBHOOK_URL && !settings.DODAI_OPERATOR_WEBHOOK_SECRET)
    context.addIssue({
      code: 'custom',
      path: ['DODAI_OPERATOR_WEBHOOK_SECRET'],
      message: 'is needed with DODAI_OPERATOR_WEBHOOK_URL: every request is signed',
    });
  if (settings.DODAI_DHCP === 'full' && !settings.DODAI_DHCP_RANGE)
    context.addIssue({
      code: 'custom',
      path: ['DODAI_DHCP_RANGE'],
      message: 'is needed with DODAI_DHCP=full',
    });
});
