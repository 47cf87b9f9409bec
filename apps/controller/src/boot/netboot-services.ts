import { join } from 'node:path';
import type { Machine, TimelineEvent } from '#core';
import {
  bootFiles,
  type DhcpEvent,
  DhcpServer,
  isOptionalFile,
  type Loader,
  macOfConfiguration,
  type NetworkBoot,
  type TftpEvent,
  TftpServer,
} from '#netboot';
import type { Parts } from '../parts.js';
import type { BootLog } from './boot-log.js';
import { bootModeFact } from './boot-mode-fact.js';
import { dhcpSettingsOf } from './dhcp-settings.js';
import { interfaceAddresses } from './interface-addresses.js';
import type { MachineResolver } from './machine-resolver.js';

/** What the listeners of a running netboot are, for the banner. */
export interface NetbootAddresses {
  tftpPort: number;
}

/** Events after which the addresses that DHCP gives may be others. */
const inventoryChanges = new Set(['machine.enrolled', 'machine.changed', 'machine.removed']);
const plainHostName = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const anyMac = '00:00:00:00:00:00';

/** The part of role `boot` that is not HTTP: TFTP and, when asked for, DHCP. Their facts go on the timelines. */
export class NetbootServices {
  private readonly tftp: TftpServer;
  private dhcp: DhcpServer | undefined;
  private unsubscribe: () => void = () => undefined;
  private reserving: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: Parts,
    private readonly resolver: MachineResolver,
    private readonly bootLog: BootLog,
  ) {
    const { config, clock } = this.parts;
    this.tftp = new TftpServer({
      ...config.tftp,
      clock,
      handler: bootFiles({
        decide: (mac) => this.decide(mac),
        render: (decision, loader) => this.render(decision, loader),
        liveImageDirectory: config.liveImage.dir,
        treeFile: (imageId, path) => this.treeFile(imageId, path),
      }),
      onEvent: (event) => this.onTftp(event),
    });
  }

  async start(): Promise<NetbootAddresses> {
    const { port } = await this.tftp.start();
    this.dhcp = await this.dhcpServer();
    if (this.dhcp) {
      await this.reserve(this.dhcp);
      await this.dhcp.start();
      this.unsubscribe = this.parts.feed.subscribe((event) => this.onInventory(event));
    }
    return { tftpPort: port };
  }

  private async dhcpServer(): Promise<DhcpServer | undefined> {
    const { config, clock, log, runner } = this.parts;
    if (config.dhcp.mode === 'off') return undefined;
    return new DhcpServer({
      settings: dhcpSettingsOf(config, await interfaceAddresses(runner)),
      directory: join(config.dataDir, 'dhcp'),
      clock,
      onEvent: (event) => this.onDhcp(event),
      onEnd: (end) => log.error({ end }, 'the DHCP server died and is started again'),
    });
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    await this.tftp.stop();
    await this.reserving;
    await this.dhcp?.stop();
    await this.bootLog.settled();
  }

  /** The card that DHCP gave this address, if DHCP is ours; for a caller that is behind a relay. */
  async macAt(address: string): Promise<string | null> {
    return (await this.dhcp?.macAt(address)) ?? null;
  }

  /** A machine may be called what no host may be; then DHCP gives it no name. */
  private async reserve(dhcp: DhcpServer): Promise<void> {
    const reservations = await this.parts.netbooting.reservations();
    await dhcp.setReservations(
      reservations.map(({ hostName, ...rest }) =>
        hostName && plainHostName.test(hostName) ? { ...rest, hostName } : rest,
      ),
    );
  }

  /** The decision with the MAC it is for, which the rendering needs whatever was decided. */
  private async decide(mac: string): Promise<NetworkBoot & { mac: string }> {
    return { ...(await this.parts.netbooting.decide(mac)), mac };
  }

  private render(decision: NetworkBoot & { mac?: string }, loader: Loader): Promise<string> {
    return this.parts.netbooting.configuration(loader, decision.mac ?? anyMac, decision);
  }

  private async treeFile(imageId: string, path: string): Promise<string> {
    const { stores, trees } = this.parts;
    return (await trees.open(await stores.images.find(imageId), path)).file;
  }

  private onInventory({ kind }: TimelineEvent): void {
    if (!inventoryChanges.has(kind)) return;
    this.reserving = this.reserving
      .then(async () => this.dhcp && this.reserve(this.dhcp))
      .catch((error: unknown) =>
        this.parts.log.error({ err: error }, 'the DHCP reservations were not renewed'),
      );
  }

  private onTftp(event: TftpEvent): void {
    if (event.kind === 'started') return; // its end says all of it
    const { kind, path, client, ...data } = event;
    if (kind === 'refused' && isOptionalFile(path)) return;
    const told = kind === 'completed' ? `fetched ${path} by TFTP` : `TFTP ${kind} ${path}: ${event.reason}`;
    this.bootLog.record(this.whoAsked(path, client.address), {
      kind: `tftp.${kind}`,
      message: told,
      data: { path, client: client.address, ...data },
    });
  }

  private onDhcp(event: DhcpEvent): void {
    const { kind, mac, ip, ...data } = event;
    if (kind === 'ack' && ip !== undefined) this.resolver.rememberAddress(ip, mac);
    const machine = this.resolver.byMac(mac);
    this.bootLog.record(machine, {
      kind: `dhcp.${kind}`,
      message: `DHCP ${kind}${ip === undefined ? '' : ` ${ip}`}`,
      data: { mac, ip, ...data },
    });
    this.bootLog.recordIfAny(machine, (known) => bootModeFact(known, event));
  }

  /**
   * A loader names its configuration by the MAC; any other file tells no more than where it goes. So an address that a DHCP
   * server of the site gave is known from then on.
   */
  private async whoAsked(path: string, address: string): Promise<Machine | null> {
    const mac = macOfConfiguration(path);
    if (mac === null) return this.resolver.byAddress(address);
    const machine = await this.resolver.byMac(mac);
    if (machine) this.resolver.rememberAddress(address, mac); // of strangers there may be any number
    return machine;
  }
}
