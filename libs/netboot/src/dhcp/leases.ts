import { type Mac, macOfText } from '../mac.js';
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

/** Whose lease of this address has not ended; null: nobody's. dnsmasq writes 0 for one that never ends. */
export function macOfLease(leaseFile: string, address: string, now: Date): Mac | null {
  const isValid = ({ endsAtS }: { endsAtS: number }) => endsAtS === 0 || endsAtS * 1000 > now.getTime();
  const found = leases(leaseFile).find((lease) => lease.ip === address && isValid(lease));
  return found ? macOfText(found.mac) : null;
}

/** A line is: end of the lease, MAC, address, name, client identifier. */
function leases(leaseFile: string): { line: string; endsAtS: number; mac: string; ip: string }[] {
  return leaseFile
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [end, mac = '', ip = ''] = line.split(' ');
      return { line, endsAtS: Number(end), mac: mac.toLowerCase(), ip };
    });
}
