import type { DhcpReservation } from './settings.js';

/** The addresses that dnsmasq's lease file gives to another machine than the one they are reserved for. */
export function leasesInTheWay(leaseFile: string, reservations: readonly DhcpReservation[]): string[] {
  const ownerOf = new Map(reservations.map(({ mac, ip }) => [ip, mac.toLowerCase()]));
  return leases(leaseFile).flatMap(({ mac, ip }) => {
    const owner = ownerOf.get(ip);
    return owner === undefined || owner === mac ? [] : [ip];
  });
}

/** The lease file without the leases of these addresses. */
export function withoutLeases(leaseFile: string, addresses: readonly string[]): string {
  const kept = leases(leaseFile).filter(({ ip }) => !addresses.includes(ip));
  return kept.map(({ line }) => `${line}\n`).join('');
}

/** A line is: end of the lease, MAC, address, name, client identifier. */
function leases(leaseFile: string): { line: string; mac: string; ip: string }[] {
  return leaseFile
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, mac = '', ip = ''] = line.split(' ');
      return { line, mac: mac.toLowerCase(), ip };
    });
}
