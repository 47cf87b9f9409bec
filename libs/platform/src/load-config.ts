import { hostname } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '#core';
import type { Config } from './config.js';
import { projectRoot } from './project-root.js';
import { Secret } from './secret.js';
import { configSchema, type Settings, wholeSettings } from './settings.js';

/** Where tools/unpack-cloud-init.sh puts it. */
const unpackedSchema =
  'dist/cloud-init/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json';

const dayMs = 24 * 3_600_000;

/**
 * Reads the settings from environment variables, empty ones counting as unset. Throws DomainError
 * `configuration-invalid` that lists every fault, before anything is started.
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const unknown = Object.keys(given).filter((name) => name.startsWith('DODAI_') && !isKnown(name));
  const parsed = wholeSettings.safeParse(given);
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
    iscsiWrites: s.DODAI_ISCSI_WRITES,
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
      operatorMs: s.DODAI_DEADLINE_OPERATOR_S * 1000,
      deleteMs: s.DODAI_DEADLINE_DELETE_S * 1000,
    },
    operatorWebhook: webhookOf(s.DODAI_OPERATOR_WEBHOOK_URL, s.DODAI_OPERATOR_WEBHOOK_SECRET),
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

/** A URL without a key was refused before. */
function webhookOf(url: string | undefined, key: string | undefined): Config['operatorWebhook'] {
  return url === undefined || key === undefined ? undefined : { url: new Secret(url), key: new Secret(key) };
}
