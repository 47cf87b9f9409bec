import { hostname } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '#core';
import { z } from 'zod';
import { isAddressOrNetwork, isHostOrNetwork } from './host-or-network.js';
import { projectRoot } from './project-root.js';
import { Secret } from './secret.js';

export const roles = ['api', 'conductor', 'boot'] as const;
export type Role = (typeof roles)[number];

/** As Nova's preallocate_images. */
const imagePreallocations = ['none', 'space'] as const;
export type ImagePreallocation = (typeof imagePreallocations)[number];

/** As Nova's config_drive_format. */
const configDriveFormats = ['iso9660', 'vfat'] as const;
type ConfigDriveFormat = (typeof configDriveFormats)[number];

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

type Settings = z.output<typeof configSchema>;

export interface Config {
  dataDir: string;
  roles: ReadonlySet<Role>;
  http: { host: string; port: number };
  /** How machines reach this controller, without a slash at the end. */
  publicUrl: string;
  databaseUrl: Secret | undefined;
  redisUrl: Secret | undefined;
  secretKey: Secret | undefined;
  tftp: { host: string; port: number; singlePort: boolean };
  dhcp: {
    mode: 'off' | 'proxy' | 'full';
    interface: string | undefined;
    range: [string, string] | undefined;
  };
  liveImage: { dir: string; kernelArgs: string };
  templatesDir: string;
  images: ImageLimits & {
    /** How long an upload is kept that was not imported. */
    uploadsKeepMs: number;
    /** Hosts and networks that images may be fetched from although they are local. */
    urlAllow: readonly string[];
  };
  imageCache: ImageCacheSettings;
  /** 0: there is to be none. */
  configDrive: { force: boolean; format: ConfigDriveFormat };
  nginxPort: number;
  metadata: MetadataSettings;
  legacyMonitorPort: number | undefined;
  bmcTimeoutMs: number;
  powerSync: PowerSyncPolicy;
  consoleSessions: number;
  deadlines: Deadlines;
  retries: RetryPolicy;
  /** Between two rounds that wake every machine whose work is due. */
  sweepMs: number;
  retention: Retention;
  /** Path of the JSON schema, and what becomes of cloud-config that does not fit it. */
  cloudConfig: { schema: string; policy: Settings['DODAI_CLOUD_CONFIG_POLICY'] };
  log: { level: Settings['DODAI_LOG_LEVEL']; pretty: boolean };
}

/** How long each thing may take without a sign of life, in milliseconds. */
export interface Deadlines {
  powerMs: number;
  bootingMs: number;
  installMs: number;
  softOffMs: number;
  bootingDiskMs: number;
  handOverMs: number;
  deleteMs: number;
}

/** How the record of the power is kept fresh. */
export interface PowerSyncPolicy {
  /** Between two looks at the same machine, give or take half; 0: there are none. */
  intervalMs: number;
  /** BMCs asked side by side. */
  concurrency: number;
}

/** How a work that failed for a reason that may pass is tried again. */
export interface RetryPolicy {
  /** Tries after the first. */
  retries: number;
  /** Before the first new try; it doubles each time, give or take half. */
  backoffMs: number;
}

/** What images may be. */
export interface ImageLimits {
  /** Unpacked; what is larger is not taken in. */
  maxBytes: number;
  /** How long one run of qemu-img may take. */
  convertMs: number;
}

/** What of the images' files is kept. */
interface ImageCacheSettings {
  removeUnused: boolean;
  /** How long an image that can be fetched again stays without use. */
  unusedMs: number;
  /** How long files that no image is made of stay. */
  strayMs: number;
  /** undefined: as much as the disk holds. */
  maxBytes: number | undefined;
  /** Whether room on the disk is taken before it is needed. */
  preallocation: ImagePreallocation;
  /** Between two looks. */
  intervalMs: number;
}

/** The listener that installed machines ask who they are. */
export interface MetadataSettings {
  host: string;
  /** 0: there is none. */
  port: number;
  namespace: string;
  /** What a proxy signs with; undefined: no signature is taken. */
  sharedSecret: Secret | undefined;
  /** Addresses and networks whose word about the caller is taken. */
  trustedProxies: readonly string[];
  /** Per second and caller. */
  rate: number;
  /** Whether DHCP gives a route to the link-local address of metadata services. */
  route: boolean;
}

/** How long the timeline is kept, and how large it may grow. */
export interface Retention {
  eventsMs: number;
  logsMs: number;
  maxBytes: number;
}

/** Where tools/unpack-cloud-init.sh puts it. */
const unpackedSchema =
  'dist/cloud-init/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json';

const dayMs = 24 * 3_600_000;

const required = configSchema.superRefine((settings, context) => {
  if (settings.DODAI_DHCP !== 'off' && !settings.DODAI_DHCP_INTERFACE)
    context.addIssue({
      code: 'custom',
      path: ['DODAI_DHCP_INTERFACE'],
      message: `is needed with DODAI_DHCP=${settings.DODAI_DHCP}: DHCP never listens on an interface it was not told`,
    });
  if (settings.DODAI_DHCP === 'full' && !settings.DODAI_DHCP_RANGE)
    context.addIssue({
      code: 'custom',
      path: ['DODAI_DHCP_RANGE'],
      message: 'is needed with DODAI_DHCP=full',
    });
});

/**
 * Reads the settings from environment variables, empty ones counting as unset. Throws DomainError
 * `configuration-invalid` that lists every fault, before anything is started.
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const unknown = Object.keys(given).filter((name) => name.startsWith('DODAI_') && !isKnown(name));
  const parsed = required.safeParse(given);
  const faults = [
    ...unknown.map((name) => `${name}: there is no such setting`),
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  ];
  if (!parsed.success || faults.length > 0) {
    throw new DomainError(
      'configuration-invalid',
      `The configuration has faults:\n  ${faults.join('\n  ')}`,
      {
        remedy: 'Mend these environment variables; README lists them all.',
        context: { faults },
      },
    );
  }
  return arrange(parsed.data);
}

/** Variables of the command line client and of tools share the prefix. */
const clientVariables = new Set([
  'DODAI_URL',
  'DODAI_TOKEN',
  'DODAI_TOKEN_FILE',
  'DODAI_BMC_PASSWORD',
  'DODAI_CACHE_DIR',
]);
function isKnown(name: string): boolean {
  return (
    name in configSchema.shape || clientVariables.has(name) || /^DODAI_(LAB|QUICKSTART|TEST)_/.test(name)
  );
}

function arrange(s: Settings): Config {
  const host = s.DODAI_HTTP_HOST === '0.0.0.0' ? hostname() : s.DODAI_HTTP_HOST;
  return {
    dataDir: s.DODAI_DATA_DIR,
    roles: new Set(s.DODAI_ROLES),
    http: { host: s.DODAI_HTTP_HOST, port: s.DODAI_HTTP_PORT },
    publicUrl: (s.DODAI_PUBLIC_URL ?? `http://${host}:${s.DODAI_HTTP_PORT}`).replace(/\/$/, ''),
    databaseUrl: s.DATABASE_URL === undefined ? undefined : new Secret(s.DATABASE_URL),
    redisUrl: s.REDIS_URL === undefined ? undefined : new Secret(s.REDIS_URL),
    secretKey: s.DODAI_SECRET_KEY === undefined ? undefined : new Secret(s.DODAI_SECRET_KEY),
    tftp: { host: s.DODAI_TFTP_HOST, port: s.DODAI_TFTP_PORT, singlePort: s.DODAI_TFTP_SINGLE_PORT },
    dhcp: { mode: s.DODAI_DHCP, interface: s.DODAI_DHCP_INTERFACE, range: s.DODAI_DHCP_RANGE },
    liveImage: {
      dir: s.DODAI_LIVE_IMAGE_DIR ?? join(s.DODAI_DATA_DIR, 'live-image'),
      kernelArgs: s.DODAI_LIVE_KERNEL_ARGS,
    },
    templatesDir: join(projectRoot, 'templates'),
    images: {
      maxBytes: s.DODAI_IMAGE_MAX_GB * 1024 ** 3,
      convertMs: s.DODAI_IMAGE_CONVERT_S * 1000,
      uploadsKeepMs: s.DODAI_UPLOADS_KEEP_DAYS * dayMs,
      urlAllow: s.DODAI_IMAGE_URL_ALLOW,
    },
    imageCache: {
      removeUnused: s.DODAI_IMAGE_CACHE_REMOVE_UNUSED_BASE_IMAGES,
      unusedMs: s.DODAI_IMAGE_CACHE_REMOVE_UNUSED_ORIGINAL_MINIMUM_AGE_SECONDS * 1000,
      strayMs: s.DODAI_IMAGE_CACHE_REMOVE_UNUSED_RESIZED_MINIMUM_AGE_SECONDS * 1000,
      maxBytes: s.DODAI_IMAGE_CACHE_MAX_GB && s.DODAI_IMAGE_CACHE_MAX_GB * 1024 ** 3,
      preallocation: s.DODAI_IMAGE_CACHE_PREALLOCATE,
      intervalMs: s.DODAI_IMAGE_CACHE_MANAGER_INTERVAL * 1000,
    },
    configDrive: { force: s.DODAI_FORCE_CONFIG_DRIVE, format: s.DODAI_CONFIG_DRIVE_FORMAT },
    nginxPort: s.DODAI_NGINX_PORT,
    metadata: {
      host: s.DODAI_METADATA_HOST,
      port: s.DODAI_METADATA_PORT,
      namespace: s.DODAI_METADATA_NAMESPACE,
      sharedSecret:
        s.DODAI_METADATA_SHARED_SECRET === undefined ? undefined : new Secret(s.DODAI_METADATA_SHARED_SECRET),
      trustedProxies: s.DODAI_METADATA_TRUSTED_PROXIES,
      rate: s.DODAI_METADATA_RATE,
      route: s.DODAI_METADATA_ROUTE,
    },
    legacyMonitorPort: s.DODAI_LEGACY_MONITOR_PORT,
    bmcTimeoutMs: s.DODAI_BMC_TIMEOUT_S * 1000,
    powerSync: {
      intervalMs: s.DODAI_POWER_SYNC_S * 1000,
      concurrency: s.DODAI_POWER_SYNC_CONCURRENCY,
    },
    consoleSessions: s.DODAI_CONSOLE_SESSIONS,
    deadlines: {
      powerMs: s.DODAI_DEADLINE_POWER_S * 1000,
      bootingMs: s.DODAI_DEADLINE_BOOTING_S * 1000,
      installMs: s.DODAI_DEADLINE_INSTALL_S * 1000,
      softOffMs: s.DODAI_DEADLINE_SOFT_OFF_S * 1000,
      bootingDiskMs: s.DODAI_DEADLINE_BOOTING_DISK_S * 1000,
      handOverMs: s.DODAI_DEADLINE_HAND_OVER_S * 1000,
      deleteMs: s.DODAI_DEADLINE_DELETE_S * 1000,
    },
    retries: { retries: s.DODAI_RETRIES, backoffMs: s.DODAI_RETRY_BACKOFF_S * 1000 },
    sweepMs: s.DODAI_SWEEP_S * 1000,
    retention: {
      eventsMs: s.DODAI_EVENTS_KEEP_DAYS * dayMs,
      logsMs: s.DODAI_LOGS_KEEP_DAYS * dayMs,
      maxBytes: s.DODAI_EVENTS_MAX_MB * 1024 ** 2,
    },
    cloudConfig: {
      schema: s.DODAI_CLOUD_CONFIG_SCHEMA ?? join(projectRoot, unpackedSchema),
      policy: s.DODAI_CLOUD_CONFIG_POLICY,
    },
    log: { level: s.DODAI_LOG_LEVEL, pretty: s.DODAI_LOG_PRETTY },
  };
}
