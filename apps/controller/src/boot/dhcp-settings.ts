import { DomainError } from '#core';
import type { DhcpSettings } from '#netboot';
import type { Config } from '#platform';
import type { InterfaceAddresses } from './interface-addresses.js';

const bytesOf = (address: string) => address.split('.').map(Number);

/** The network that an address of this netmask is in. */
function networkOf(address: string, netmask: string): string {
  const mask = bytesOf(netmask);
  return bytesOf(address)
    .map((byte, index) => byte & (mask[index] ?? 0))
    .join('.');
}

/** What the configuration leaves to the interface: its address, its network. Throws DomainError `configuration-invalid`. */
export function dhcpSettingsOf({ dhcp, metadata }: Config, interfaces: InterfaceAddresses): DhcpSettings {
  const name = dhcp.interface ?? '';
  const own = interfaces[name];
  if (!own || dhcp.mode === 'off')
    throw new DomainError(
      'configuration-invalid',
      `DHCP was to listen on ${name}, which has no IPv4 address here.`,
      {
        remedy: `Give the interface an address, or set DODAI_DHCP_INTERFACE to one of: ${Object.keys(interfaces).join(', ')}.`,
      },
    );
  const { address, netmask } = own;
  const pool = dhcp.range && { first: dhcp.range[0], last: dhcp.range[1] };
  const network = networkOf(address, netmask);
  const metadataRoute = metadata.route && metadata.port !== 0;
  return { mode: dhcp.mode, interface: name, serverAddress: address, network, netmask, pool, metadataRoute };
}
