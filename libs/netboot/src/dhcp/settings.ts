import { isIPv4 } from 'node:net';
import { DomainError } from '#core';
import { macOfText } from '../mac.js';

/** `proxy`: the site's DHCP server gives the addresses and this one adds what to boot. `full`: this one does both. */
export type DhcpMode = 'proxy' | 'full';

export interface DhcpSettings {
  mode: DhcpMode;
  /** The only interface that is listened on. */
  interface: string;
  /** Of this host on that interface; machines fetch their boot files from it. */
  serverAddress: string;
  network: string;
  netmask: string;
  router?: string;
  dnsServers?: readonly string[];
  /** Whether machines are to reach the link-local address of metadata services through this host. */
  metadataRoute?: boolean;
  /** Addresses for machines without a reservation; none given: they are not answered. */
  pool?: { first: string; last: string };
  leaseSeconds?: number;
  /** DHCP option 17, for machines that mount their root from elsewhere. */
  rootPath?: string;
}

export interface DhcpReservation {
  mac: string;
  ip: string;
  hostName?: string;
}

const INTERFACE = /^[A-Za-z0-9_.-]{1,15}$/;
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** dnsmasq splits its lines at commas and ends them at line breaks. */
const PLAIN_VALUE = /^[^,\p{Cc}]+$/u;
/** dnsmasq takes no shorter lease. */
const MIN_LEASE_SECONDS = 120;

/** Throws `dhcp-configuration` for the first value that would not be understood, or not as what it is. */
export function checkSettings(settings: DhcpSettings): void {
  const { pool, leaseSeconds, rootPath, router, dnsServers = [] } = settings;
  require('interface', settings.interface, INTERFACE.test(settings.interface), 'a network interface');
  const addresses: [string, string | undefined][] = [
    ['serverAddress', settings.serverAddress],
    ['network', settings.network],
    ['netmask', settings.netmask],
    ['router', router],
    ['pool.first', pool?.first],
    ['pool.last', pool?.last],
    ...dnsServers.map((address): [string, string] => ['dnsServers', address]),
  ];
  for (const [name, value] of addresses) {
    if (value !== undefined) require(name, value, isIPv4(value), 'an IPv4 address');
  }
  if (rootPath !== undefined)
    require('rootPath', rootPath, PLAIN_VALUE.test(rootPath), 'a path without commas');
  if (leaseSeconds !== undefined) {
    const isTime = Number.isInteger(leaseSeconds) && leaseSeconds >= MIN_LEASE_SECONDS;
    require('leaseSeconds', leaseSeconds, isTime, `a whole number of seconds from ${MIN_LEASE_SECONDS}`);
  }
}

/** Throws `dhcp-configuration` for a malformed reservation, and for a MAC or an address that is reserved twice. */
export function checkReservations(reservations: readonly DhcpReservation[]): void {
  const seen = new Set<string>();
  for (const { mac, ip, hostName } of reservations) {
    require('mac', mac, macOfText(mac) !== null, 'a MAC address like 52:54:00:12:34:56');
    require('ip', ip, isIPv4(ip), 'an IPv4 address');
    if (hostName !== undefined) require('hostName', hostName, HOST_NAME.test(hostName), 'a host name');
    for (const key of [mac.toLowerCase(), ip]) {
      require('reservation', key, !seen.has(key), 'reserved once');
      seen.add(key);
    }
  }
}

function require(name: string, found: unknown, isRight: boolean, wanted: string): void {
  if (isRight) return;
  throw new DomainError(
    'dhcp-configuration',
    `DHCP ${name} was to be ${wanted}, but is ${JSON.stringify(found)}`,
    {
      context: { name, found },
      remedy: `correct ${name} in the DHCP settings`,
    },
  );
}
