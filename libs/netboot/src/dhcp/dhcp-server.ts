import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '#core';
import { type Clock, type ProcessEnd, SupervisedProcess } from '#platform';
import { type DnsmasqFiles, renderDnsmasqConfig, renderHostsFile } from './dnsmasq-config.js';
import type { Mac } from '../mac.js';
import { leasesInTheWay, macOfLease, withoutLeases } from './leases.js';
import { type DhcpEvent, DhcpLogParser } from './log-parser.js';
import { checkReservations, checkSettings, type DhcpReservation, type DhcpSettings } from './settings.js';

export interface DhcpServerOptions {
  settings: DhcpSettings;
  /** Of its own: configuration, reservations and leases are kept here. */
  directory: string;
  clock: Clock;
  onEvent?: (event: DhcpEvent) => void;
  /** dnsmasq died and will be started again. */
  onEnd?: (end: ProcessEnd) => void;
}

const RELOAD_TIMEOUT_MS = 5000;

/** DHCP through a supervised dnsmasq, which does nothing else: no DNS, no TFTP, one interface. */
export class DhcpServer {
  private readonly files: DnsmasqFiles & { config: string };
  private readonly process: SupervisedProcess;
  private readonly parser = new DhcpLogParser();
  private reservations: readonly DhcpReservation[] = [];
  private started = false;
  private change: Promise<void> = Promise.resolve();
  private onReload: (() => void) | null = null;

  /** Throws `dhcp-configuration`. */
  constructor(private readonly options: DhcpServerOptions) {
    const { settings, directory, clock, onEnd } = options;
    checkSettings(settings);
    this.files = {
      config: join(directory, 'dnsmasq.conf'),
      hosts: join(directory, 'reservations'),
      leases: join(directory, 'leases'),
    };
    this.process = new SupervisedProcess({
      file: 'dnsmasq',
      args: ['--keep-in-foreground', `--conf-file=${this.files.config}`],
      debianPackage: 'dnsmasq-base',
      clock,
      isReady: (line) => line.includes(this.isFull ? this.reloadLine : 'DHCP, sockets bound'),
      onLine: (line) => this.onLine(line),
      onEnd,
    });
  }

  async start(): Promise<void> {
    const { directory, settings } = this.options;
    await mkdir(directory, { recursive: true });
    await writeWhole(this.files.config, renderDnsmasqConfig(settings, this.files));
    await writeWhole(this.files.hosts, renderHostsFile(this.reservations));
    await this.dropLeasesInTheWay();
    await this.process.start();
    this.started = true;
  }

  async stop(): Promise<void> {
    this.started = false;
    await this.change;
    await this.process.stop();
  }

  /**
   * Replaces all reservations; a new machine needs no restart. Resolves when dnsmasq has read them. In proxy mode addresses are
   * the site's, and reservations have no effect. Throws `dhcp-configuration`, and then changes nothing.
   */
  async setReservations(reservations: readonly DhcpReservation[]): Promise<void> {
    checkReservations(reservations);
    const change = this.change.then(() => this.replaceReservations(reservations));
    this.change = change.catch(() => undefined); // its failure is this caller's, not the next one's
    return change;
  }

  /** The card that has a lease of this address now; null: none, or the addresses are the site's. */
  async macAt(address: string): Promise<Mac | null> {
    return this.isFull ? macOfLease(await this.leases(), address, this.options.clock.now()) : null;
  }

  private async replaceReservations(reservations: readonly DhcpReservation[]): Promise<void> {
    this.reservations = reservations;
    if (!this.started || !this.isFull) return;
    await writeWhole(this.files.hosts, renderHostsFile(reservations));
    if ((await this.leasesInTheWay()).length === 0) return this.reload();
    await this.process.stop();
    await this.dropLeasesInTheWay();
    await this.process.start();
  }

  private async reload(): Promise<void> {
    const abort = new AbortController();
    const read = new Promise<void>((resolve) => (this.onReload = resolve));
    const late = this.options.clock.sleep(RELOAD_TIMEOUT_MS, abort.signal).then(
      () => Promise.reject(notReloaded(this.files.hosts)),
      () => undefined, // read in time
    );
    this.process.signal('SIGHUP');
    await Promise.race([read, late]).finally(() => abort.abort());
  }

  /** An address that is leased to one machine is not given to the one it is now reserved for, until the lease ends. */
  private async dropLeasesInTheWay(): Promise<void> {
    const inTheWay = await this.leasesInTheWay();
    if (inTheWay.length === 0) return;
    await writeWhole(this.files.leases, withoutLeases(await this.leases(), inTheWay));
  }

  private async leasesInTheWay(): Promise<string[]> {
    return leasesInTheWay(await this.leases(), this.reservations);
  }

  private leases(): Promise<string> {
    return readFile(this.files.leases, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
  }

  private onLine(line: string): void {
    if (line.includes(this.reloadLine)) this.onReload?.();
    const event = this.parser.parse(line);
    if (event !== null) this.options.onEvent?.(event);
  }

  private get reloadLine(): string {
    return `read ${this.files.hosts}`;
  }

  private get isFull(): boolean {
    return this.options.settings.mode === 'full';
  }
}

/** Never leaves half a file behind. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function notReloaded(file: string): DomainError {
  return new DomainError(
    'program-died',
    `dnsmasq was to read ${file} again, and did not in ${RELOAD_TIMEOUT_MS} ms`,
    {
      context: { file },
      remedy: 'it reads the file when it is running again: check its last lines in the log',
    },
  );
}
