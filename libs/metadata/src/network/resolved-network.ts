import ipaddr from 'ipaddr.js';
import {
  type BondLink,
  cardOf,
  DomainError,
  type DynamicAddress,
  type NetworkAddress,
  type NetworkConfiguration,
  type NetworkLink,
  type Nic,
  type PhysicalLink,
  type StaticAddress,
  withBootCard,
} from '#core';
import type { DescribedInstance } from '../described-instance.js';

type Known<Type extends NetworkLink> = Type & { mac: string };
export type ResolvedBond = Known<BondLink>;
/** A link with its MAC address: a card's own, a bond's that of its first member, a VLAN's that of the link below. */
export type ResolvedLink = Known<PhysicalLink> | ResolvedBond | Known<Extract<NetworkLink, { type: 'vlan' }>>;

export interface ResolvedRoute {
  /** A network such as 10.2.0.0/16; the default route is 0.0.0.0/0 or ::/0. */
  to: string;
  via: string;
}

export interface ResolvedStatic {
  type: 'static';
  family: 'ipv4' | 'ipv6';
  link: string;
  address: string;
  prefixLength: number;
  /** The gateway is among them. */
  routes: ResolvedRoute[];
}

/** What a network comes to on one machine: every card known, every address in parts. All forms of it are made from this one. */
export interface ResolvedNetwork {
  links: ResolvedLink[];
  addresses: (ResolvedStatic | DynamicAddress)[];
  dns: NetworkConfiguration['dns'];
}

/**
 * The network of an instance on its machine, with the card that it boots from by DHCP when the owner says nothing of it.
 * Throws DomainError `invalid-request` when it names a card or a link that is not there.
 */
export function resolvedNetwork(instance: DescribedInstance): ResolvedNetwork {
  const { links, addresses, dns } = withBootCard(instance.configuration.network, instance.nics[0], freeId);
  const resolve = macResolver(links, instance.nics);
  return {
    links: links.map((link) => ({ ...link, mac: resolve(link) })),
    addresses: addresses.map(resolvedAddress),
    dns,
  };
}

function freeId(taken: string[]): string {
  let id = 'pxe';
  for (let number = 1; taken.includes(id); number += 1) id = `pxe${number}`;
  return id;
}

function macResolver(links: NetworkLink[], nics: Nic[]): (link: NetworkLink) => string {
  const named = (id: string, by: NetworkLink) => {
    const index = links.findIndex((link) => link.id === id && link !== by);
    if (index === -1) throw missingLink(id, links.indexOf(by));
    return links[index] as NetworkLink;
  };
  const resolve = (link: NetworkLink, above: readonly NetworkLink[]): string => {
    if (link.type === 'phy') return macOf(link, links.indexOf(link), nics);
    const below = link.type === 'vlan' ? link.link : (link.members[0] ?? '');
    if (above.includes(link)) throw missingLink(below, links.indexOf(link));
    return resolve(named(below, link), [...above, link]);
  };
  return (link) => resolve(link, []);
}

function macOf(link: PhysicalLink, index: number, nics: Nic[]): string {
  const nic = cardOf(link, nics);
  if (nic) return nic.mac;
  throw new DomainError(
    'invalid-request',
    `link ${link.id} is the card ${link.mac ?? link.nic ?? 'that is not named'}, which the machine does not have`,
    {
      remedy: `name one of its cards: ${nics.map(({ role, mac }) => `${role} (${mac})`).join(', ')}`,
      context: { field: `network.links.${index}.${link.mac ? 'mac' : 'nic'}` },
    },
  );
}

const missingLink = (id: string, index: number) =>
  new DomainError('invalid-request', `there is no link "${id}" that this one can be made of`, {
    remedy: 'name a link of the same network, which is not made of this one',
    context: { field: `network.links.${index}` },
  });

function resolvedAddress(address: NetworkAddress): ResolvedStatic | DynamicAddress {
  if (address.type !== 'static') return address;
  const [parsed, prefixLength] = ipaddr.parseCIDR(address.address);
  return {
    type: 'static',
    family: parsed.kind(),
    link: address.link,
    address: parsed.toString(),
    prefixLength,
    routes: routesOf(address, parsed.kind()),
  };
}

function routesOf(
  { gateway, routes = [] }: StaticAddress,
  family: ResolvedStatic['family'],
): ResolvedRoute[] {
  const toAll = family === 'ipv4' ? '0.0.0.0/0' : '::/0';
  return [...(gateway === undefined ? [] : [{ to: toAll, via: gateway }]), ...routes];
}

/** The first address of that family which is told beforehand: a static one, else the one reserved for the card it boots from. */
export function knownIpv4(instance: DescribedInstance, network: ResolvedNetwork): string | null {
  const isStatic4 = (address: ResolvedStatic | DynamicAddress) =>
    address.type === 'static' && address.family === 'ipv4';
  const first = network.addresses.find(isStatic4) as ResolvedStatic | undefined;
  return first?.address ?? instance.nics[0]?.ip ?? null;
}
