import { cloudInitYaml } from '../documents/cloud-init-yaml.js';
import type { ResolvedLink, ResolvedNetwork, ResolvedStatic } from './resolved-network.js';

type Settings = Record<string, unknown>;

/** The network as cloud-init's network config version 2, which netplan has too; NoCloud's `network-config`. */
export function networkConfig(network: ResolvedNetwork): string {
  const sections = {
    ethernets: sectionOf(network, 'phy'),
    bonds: sectionOf(network, 'bond'),
    vlans: sectionOf(network, 'vlan'),
  };
  const filled = Object.entries(sections).filter(([, section]) => Object.keys(section).length > 0);
  return cloudInitYaml({ version: 2, ...Object.fromEntries(filled) });
}

function sectionOf(network: ResolvedNetwork, type: ResolvedLink['type']): Record<string, Settings> {
  const links = network.links.filter((link) => link.type === type);
  return Object.fromEntries(
    links.map((link) => [link.id, { ...linkSettings(network, link), ...addressSettings(network, link.id) }]),
  );
}

function linkSettings(network: ResolvedNetwork, link: ResolvedLink): Settings {
  const common = link.mtu === undefined ? {} : { mtu: link.mtu };
  switch (link.type) {
    case 'phy':
      return {
        match: { macaddress: link.mac },
        ...(isBelow(network, link) && { 'set-name': link.id }),
        ...common,
      };
    case 'bond':
      return {
        interfaces: link.members,
        parameters: {
          mode: link.mode,
          'mii-monitor-interval': link.miimonMs,
        },
        ...common,
      };
    case 'vlan':
      return { id: link.vlanId, link: link.link, ...common };
  }
}

/**
 * Bonds and VLANs name what they are made of, which cloud-init takes for the kernel's name unless it writes netplan; and they
 * have that card's MAC address, so that the address alone would match them too.
 */
function isBelow(network: ResolvedNetwork, { id }: ResolvedLink): boolean {
  return network.links.some((link) => {
    if (link.type === 'bond') return link.members.includes(id);
    return link.type === 'vlan' && link.link === id;
  });
}

function addressSettings(network: ResolvedNetwork, id: string): Settings {
  const here = network.addresses.filter(({ link }) => link === id);
  const fixed = here.filter((address) => address.type === 'static');
  const has = (type: string) => here.some((address) => address.type === type);
  const routes = fixed.flatMap((address) => address.routes);
  const gateway6 = routes.find(({ to }) => to === '::/0')?.via;
  const others = routes.filter(({ to }) => to !== '::/0');
  return {
    ...(has('dhcp4') && { dhcp4: true }),
    ...(has('dhcp6') && { dhcp6: true }),
    ...acceptRa(has('slaac') || has('dhcp6'), fixed),
    ...(fixed.length > 0 && { addresses: fixed.map((each) => `${each.address}/${each.prefixLength}`) }),
    // As a route, cloud-init 22.4 takes ::/0 for ::/64, unless it writes netplan.
    ...(gateway6 !== undefined && { gateway6 }),
    ...(others.length > 0 && { routes: others.map(({ to, via }) => ({ to, via })) }),
    ...(id === resolverLink(network) && { nameservers: nameservers(network) }),
  };
}

/** Router advertisements, left to the kernel where IPv6 is not spoken of. A static address alone does without them. */
function acceptRa(wanted: boolean, fixed: ResolvedStatic[]): Settings {
  if (wanted) return { 'accept-ra': true };
  return fixed.some(({ family }) => family === 'ipv6') ? { 'accept-ra': false } : {};
}

/** Name servers stand at one link: where the default route goes, else at the first that has an address. */
function resolverLink({ addresses, dns }: ResolvedNetwork): string | undefined {
  if (dns.servers.length === 0) return undefined;
  const withDefault = addresses.find(
    (address) => address.type === 'static' && address.routes.some(({ to }) => to.endsWith('/0')),
  );
  return (withDefault ?? addresses[0])?.link;
}

const nameservers = ({ dns }: ResolvedNetwork) => ({
  addresses: dns.servers,
  ...(dns.searchDomains.length > 0 && { search: dns.searchDomains }),
});
