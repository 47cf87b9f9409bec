import type { Config, Logger } from '#platform';
import { BootLog } from './boot/boot-log.js';
import { ImageServing } from './boot/image-serving.js';
import { LegacyMonitor } from './boot/legacy-monitor.js';
import { MachineResolver } from './boot/machine-resolver.js';
import { NetbootServices } from './boot/netboot-services.js';
import { NotifyRefusals } from './boot/notify-refusals.js';
import { Closers } from './closers.js';
import { ensureFirstToken } from './first-token.js';
import { HttpServer } from './http-server.js';
import type { MacSource } from './metadata/callers.js';
import { metadataService } from './metadata/metadata-service.js';
import { Metrics } from './observe/metrics.js';
import { type Brought, openParts, type Parts } from './parts.js';

/** Where a running controller can be reached. */
export interface Listeners {
  httpPort: number;
  /** undefined: this process does not play the role `boot`. */
  tftpPort: number | undefined;
  /** undefined: nginx does not run, and images come over HTTP as everything else. */
  nginxPort: number | undefined;
  /** undefined: there is no metadata service here. */
  metadataPort: number | undefined;
  /** undefined: it is off. */
  legacyMonitorPort: number | undefined;
}

/** The controller: one process that plays one role or all. */
export class Controller {
  private stopping: Promise<void> | undefined;

  private constructor(
    readonly listeners: Listeners,
    private readonly closers: Closers,
  ) {}

  /** Starts everything, or closes what it had opened and throws a DomainError. */
  static async start(config: Config, log: Logger, brought: Brought = {}): Promise<Controller> {
    const closers = new Closers(log);
    try {
      return new Controller(await open(config, log, closers, brought), closers);
    } catch (error) {
      await closers.closeAll();
      throw error;
    }
  }

  /** No more requests; then the steps in hand end, TFTP and DHCP stop, and PostgreSQL goes last. */
  stop(): Promise<void> {
    this.stopping ??= this.closers.closeAll();
    return this.stopping;
  }
}

/** What is opened first is closed last. */
async function open(config: Config, log: Logger, closers: Closers, brought: Brought): Promise<Listeners> {
  const parts = await openParts(config, log, closers, brought);
  if (config.roles.has('api')) await ensureFirstToken(config.dataDir, parts.stores.tokens);
  const http = await HttpServer.create(parts);
  const { tftpPort, nginxPort, metadataPort } = config.roles.has('boot')
    ? await startNetboot(parts, http, closers)
    : {};
  const legacyMonitorPort = await startLegacyMonitor(parts, http, closers);
  if (config.roles.has('conductor')) {
    for (const [name, duty] of Object.entries(parts.duties)) {
      closers.add(name, () => duty.stop());
      await duty.start();
    }
  }
  if (config.roles.has('api') || config.roles.has('boot')) {
    closers.add('image cache', () => parts.cacheKeeper.stop());
    parts.cacheKeeper.start();
  }
  closers.add('HTTP', () => http.stop());
  const httpPort = await http.listen();
  return { httpPort, tftpPort, nginxPort, metadataPort, legacyMonitorPort };
}

async function startNetboot(
  parts: Parts,
  { app }: HttpServer,
  closers: Closers,
): Promise<Pick<Listeners, 'tftpPort' | 'nginxPort' | 'metadataPort'>> {
  const services = new NetbootServices(parts, app.get(MachineResolver), app.get(BootLog));
  closers.add('TFTP and DHCP', () => services.stop());
  const { tftpPort } = await services.start();
  const serving = app.get(ImageServing);
  closers.add('nginx', () => serving.stop());
  const nginxPort = await serving.start();
  return {
    tftpPort,
    nginxPort,
    metadataPort: await startMetadata(parts, { app, leases: services }, closers),
  };
}

/** Stopped before the services of the network boot, which write down what is still to be told of its answers. */
async function startMetadata(
  parts: Parts,
  { app, leases }: { app: HttpServer['app']; leases: MacSource },
  closers: Closers,
): Promise<number | undefined> {
  const { host, port } = parts.config.metadata;
  if (port === 0) return undefined;
  const service = metadataService(parts, { leases, bootLog: app.get(BootLog), metrics: app.get(Metrics) });
  closers.add('metadata service', () => service.stop());
  const boundPort = await service.start(host, port);
  parts.readiness.add('metadata service', () => service.ping());
  return boundPort;
}

async function startLegacyMonitor(
  { config, callbacks, log }: Parts,
  { app }: HttpServer,
  closers: Closers,
): Promise<number | undefined> {
  if (config.legacyMonitorPort === undefined || !config.roles.has('boot')) return undefined;
  const monitor = new LegacyMonitor(callbacks, app.get(NotifyRefusals), log);
  closers.add('legacy monitor', () => monitor.stop());
  return monitor.start(config.http.host, config.legacyMonitorPort);
}
