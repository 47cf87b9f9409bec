import type { Secret } from './secret.js';
import type { ConfigDriveFormat, ImagePreallocation, Role, Settings } from './settings.js';

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
  /** Disks of machines that are written over iSCSI at a time. */
  iscsiWrites: number;
  /** 0: there is to be none. */
  configDrive: { force: boolean; format: ConfigDriveFormat };
  nginxPort: number;
  metadata: MetadataSettings;
  legacyMonitorPort: number | undefined;
  bmcTimeoutMs: number;
  powerSync: PowerSyncPolicy;
  consoleSessions: number;
  deadlines: Deadlines;
  /** What is told that a person is called to a machine; undefined: nothing. A URL may be a secret itself. */
  operatorWebhook: WebhookSettings | undefined;
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
  operatorMs: number;
  deleteMs: number;
}

/** `key`: what requests are signed with, in base64. */
export interface WebhookSettings {
  url: Secret;
  key: Secret;
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
