import { readFileSync } from 'node:fs';

const tcpListenState = '0A';

/** Whether something listens on an IPv4 port in the network namespace of a process. */
export function isListening(pid: number, protocol: 'tcp' | 'udp', port: number, address?: string): boolean {
  let table: string;
  try {
    table = readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8');
  } catch {
    return false;
  }
  return listens(table, protocol, port, address);
}

/** Reads a /proc/net/tcp or udp table: local address and port are hexadecimal, the address in host byte order. */
export function listens(table: string, protocol: 'tcp' | 'udp', port: number, address?: string): boolean {
  const wantedPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [localAddress, localPort] = local.split(':');
    const addressFits = address === undefined || localAddress === hexAddress(address);
    return localPort === wantedPort && addressFits && (protocol === 'udp' || state === tcpListenState);
  });
}

function hexAddress(address: string): string {
  const bytes = address.split('.').map(Number).toReversed();
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}
