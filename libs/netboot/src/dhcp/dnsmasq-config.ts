import { type BootProgram, bootPrograms } from './boot-programs.js';
import type { DhcpReservation, DhcpSettings } from './settings.js';

export interface DnsmasqFiles {
  leases: string;
  hosts: string;
}

const DEFAULT_LEASE_SECONDS = 3600;

/** dnsmasq as a DHCP server and nothing else, on one interface and nowhere else. */
export function renderDnsmasqConfig(settings: DhcpSettings, files: DnsmasqFiles): string {
  const lines = [
    ...common(settings),
    ...(settings.mode === 'full' ? full(settings, files) : proxy(settings)),
  ];
  return `${lines.join('\n')}\n`;
}

/** The file that dnsmasq reads again on SIGHUP. */
export function renderHostsFile(reservations: readonly DhcpReservation[]): string {
  return reservations
    .map(({ mac, ip, hostName }) => `${[mac, ip, hostName].filter(Boolean).join()}\n`)
    .join('');
}

function common(settings: DhcpSettings): string[] {
  return [
    'port=0',
    `interface=${settings.interface}`,
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    // The reservations are read again while it runs, from a directory that is root's; and a change of user or group would undo
    // the kernel's promise to end it together with the controller.
    'user=root',
    'group=root',
    'pid-file=',
    'log-facility=-',
    'log-dhcp',
    ...bootPrograms.flatMap(matchClients),
  ];
}

function matchClients({ tag, clientArchitectures }: BootProgram): string[] {
  return clientArchitectures.map((number) => `dhcp-match=set:${tag},option:client-arch,${number}`);
}

function full(settings: DhcpSettings, files: DnsmasqFiles): string[] {
  const { serverAddress, netmask, network, pool, router, dnsServers = [], rootPath } = settings;
  const lease = settings.leaseSeconds ?? DEFAULT_LEASE_SECONDS;
  const range = pool === undefined ? `${network},static` : `${pool.first},${pool.last}`;
  return [
    'dhcp-authoritative',
    `dhcp-range=${range},${netmask},${lease}`,
    `dhcp-hostsfile=${files.hosts}`,
    `dhcp-leasefile=${files.leases}`,
    ...bootPrograms.map(({ tag, file }) => `dhcp-boot=tag:${tag},${file},,${serverAddress}`),
    // Given empty, an option is not sent; left out, dnsmasq would name itself.
    `dhcp-option=option:router${router === undefined ? '' : `,${router}`}`,
    `dhcp-option=option:dns-server${dnsServers.map((address) => `,${address}`).join('')}`,
    ...metadataRoute(settings),
    ...(rootPath === undefined ? [] : [`dhcp-option=option:root-path,${rootPath}`]),
  ];
}

/** Whoever takes option 121 does not look at the router any more (RFC 3442): so that route is in it too. */
function metadataRoute({ serverAddress, router, metadataRoute }: DhcpSettings): string[] {
  if (!metadataRoute) return [];
  const routes = [`169.254.169.254/32,${serverAddress}`, ...(router ? [`0.0.0.0/0,${router}`] : [])];
  return [`dhcp-option=option:classless-static-route,${routes.join()}`];
}

function proxy({ network, netmask, serverAddress }: DhcpSettings): string[] {
  return [
    `dhcp-range=${network},proxy,${netmask}`,
    ...bootPrograms.flatMap(({ clientArchitectures, file }) =>
      clientArchitectures.map((number) => `pxe-service=${number},"dodai",${file},${serverAddress}`),
    ),
  ];
}
