import ipaddr from 'ipaddr.js';
import type { DynamicAddress } from '#core';
import type { ResolvedLink, ResolvedNetwork, ResolvedRoute, ResolvedStatic } from './resolved-network.js';

const dynamicTypes = {
  dhcp4: 'ipv4_dhcp',
  dhcp6: 'ipv6_dhcp',
  slaac: 'ipv6_slaac',
} as const satisfies Record<DynamicAddress['type'], string>;

/** The network as OpenStack's `network_data.json` has it (nova, doc/api_schemas/network_data.json). */
export interface NetworkData {
  links: Record<string, unknown>[];
  networks: Record<string, unknown>[];
  services: Record<string, unknown>[];
}

/** cloud-init gives links names of its own: cards keep the kernel's, bonds are bond0, bond1, …, VLANs bond0.100. */
export function networkData({ links, addresses, dns }: ResolvedNetwork): NetworkData {
  return {
    links: links.map(linkData),
    networks: addresses.map((address, index) => ({
      id: `network${index}`,
      network_id: `network${index}`,
      link: address.link,
      ...(address.type === 'static' ? staticData(address) : { type: dynamicTypes[address.type] }),
    })),
    services: dns.servers.map((address, index) => ({
      type: 'dns',
      address,
      // Not in nova's documents, but allowed by its schema, and read by cloud-init, which adds up what several servers say.
      ...(index === 0 && dns.searchDomains.length > 0 && { search: dns.searchDomains }),
    })),
  };
}

function linkData(link: ResolvedLink): Record<string, unknown> {
  const common = { id: link.id, type: link.type, ...(link.mtu !== undefined && { mtu: link.mtu }) };
  switch (link.type) {
    case 'phy':
      return { ...common, ethernet_mac_address: link.mac };
    case 'bond':
      return {
        ...common,
        ethernet_mac_address: link.mac,
        bond_links: link.members,
        bond_mode: link.mode,
        bond_miimon: link.miimonMs,
      };
    case 'vlan':
      return { ...common, vlan_mac_address: link.mac, vlan_link: link.link, vlan_id: link.vlanId };
  }
}

const staticData = ({ family, address, prefixLength, routes }: ResolvedStatic) => ({
  type: family,
  ip_address: address,
  netmask: netmask(family, prefixLength),
  routes: routes.map(routeData),
});

function routeData({ to, via }: ResolvedRoute) {
  const [network, prefixLength] = ipaddr.parseCIDR(to);
  return {
    network: network.toString(),
    netmask: netmask(network.kind(), prefixLength),
    gateway: via,
  };
}

const netmask = (family: ResolvedStatic['family'], prefixLength: number) =>
  (family === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6).subnetMaskFromPrefixLength(prefixLength).toString();
