import {
  type BondMode,
  cardOf,
  DomainError,
  type NetworkAddress,
  type NetworkConfiguration,
  type NetworkLink,
  type Nic,
  type NicRole,
  withBootCard,
} from '#core';
import type { z } from 'zod';
import type { guestLink, guestNetwork as guestNetworkSchema } from './network-fields.js';

export type GuestNetwork = z.input<typeof guestNetworkSchema>;
type GuestLink = z.input<typeof guestLink>;

/** What of a machine an installed OS knows its cards by. */
type GuestNic = Pick<Nic, 'role' | 'mac'>;

interface Asked {
  /** null: nobody asked for anything. */
  network: NetworkConfiguration | null;
  nics: readonly GuestNic[];
  /** Where the OS asks for its metadata; one that is link-local is reached through the card that the machine boots from. */
  metadataUrl?: string | null;
}

/** What the kernel, or udev, calls cards by itself: a card that is given such a name may find it taken. */
const kernelLike = /^(eth|en|wl|ww|ib|sl|usb|veth|lo)/;
const linkLocal = /^169\.254\.\d+\.\d+$/;
const kindOrder = { phy: 0, bond: 1, vlan: 2 } as const;

/**
 * The network of an OS, with nothing left to be looked up: what the templates of every network manager are filled in from. The
 * card that the machine boots from is added where the owner's network has none of it. Throws DomainError `template-parameter`
 * for a card that the machine does not have.
 */
export function guestNetwork({ network, nics, metadataUrl }: Asked): GuestNetwork {
  const bootMac = macOf({ nic: 'pxe' }, nics);
  const nameOf = (taken: string[]) => freeName('pxe', taken);
  const { links, addresses, dns, added } = withBootCard(network, { role: 'pxe', mac: bootMac }, nameOf);
  const names = namesOf(links);
  const dnsLink = (addresses.find((each) => each.type === 'static' && each.gateway !== undefined) ?? addresses[0])?.link;
  const made = links.map((link): GuestLink => {
    const own = addresses.filter((address) => address.link === link.id);
    const mac = link.type === 'phy' ? macOf(link, nics) : '';
    return {
      ...described(link, mac, { links, names }),
      ...addressed(own),
      anyIpv6: link.id === added,
      routes: [...routesOf(own), ...(mac === bootMac ? metadataRoutes(metadataUrl) : [])],
      dnsServers: link.id === dnsLink ? dns.servers : [],
      searchDomains: link.id === dnsLink ? dns.searchDomains : [],
    };
  });
  return { namesCards: network !== null, links: made.sort((a, b) => kindOrder[a.type] - kindOrder[b.type]) };
}

function macOf({ mac, nic }: { mac?: string; nic?: NicRole }, nics: readonly GuestNic[]): string {
  const found = mac ?? cardOf({ nic }, nics)?.mac;
  if (found !== undefined) return found;
  throw new DomainError('template-parameter', `The network has the card ${nic}, which the machine does not have.`, {
    remedy: 'Enrol the MAC address of that card, or leave it out of the network.',
    context: { field: 'network.links' },
  });
}

/** Links by id, as the installed OS calls them. */
function namesOf(links: readonly NetworkLink[]): Map<string, string> {
  const names = new Map<string, string>();
  const isSure = (link: NetworkLink) => link.type !== 'phy' || !kernelLike.test(link.id);
  for (const { id } of links.filter(isSure)) names.set(id, id);
  for (const link of links) if (!isSure(link)) names.set(link.id, freeName('card', [...names.values()]));
  return names;
}

function freeName(prefix: string, taken: readonly string[]): string {
  for (let number = 0; ; number++) if (!taken.includes(`${prefix}${number}`)) return `${prefix}${number}`;
}

interface Among {
  links: readonly NetworkLink[];
  names: ReadonlyMap<string, string>;
}

function described(link: NetworkLink, mac: string, { links, names }: Among) {
  const nameOf = (id: string) => names.get(id) ?? id;
  const bond = links.find((each) => each.type === 'bond' && each.members.includes(link.id));
  const vlans = links.filter((each) => each.type === 'vlan' && each.link === link.id);
  return {
    name: nameOf(link.id),
    type: link.type,
    mac,
    mtu: link.mtu ?? null,
    bond: bond ? nameOf(bond.id) : '',
    vlans: vlans.map(({ id }) => nameOf(id)),
    members: link.type === 'bond' ? link.members.map(nameOf) : [],
    bondMode: (link.type === 'bond' ? link.mode : 'active-backup') satisfies BondMode,
    miimonMs: link.type === 'bond' ? link.miimonMs : 100,
    vlanId: link.type === 'vlan' ? link.vlanId : null,
    parent: link.type === 'vlan' ? nameOf(link.link) : '',
  };
}

function addressed(addresses: readonly NetworkAddress[]) {
  const has = (type: NetworkAddress['type']) => addresses.some((address) => address.type === type);
  const cidrs = addresses.flatMap((each) => (each.type === 'static' ? [each] : []));
  const gateways = cidrs.flatMap(({ gateway }) => gateway ?? []);
  return {
    addresses4: cidrs.filter(({ address }) => !isV6(address)).map(({ address }) => address),
    addresses6: cidrs.filter(({ address }) => isV6(address)).map(({ address }) => address),
    gateway4: gateways.find((gateway) => !isV6(gateway)) ?? '',
    gateway6: gateways.find(isV6) ?? '',
    dhcp4: has('dhcp4'),
    dhcp6: has('dhcp6'),
    slaac: has('slaac'),
  };
}

function routesOf(addresses: readonly NetworkAddress[]) {
  return addresses
    .flatMap((each) => (each.type === 'static' ? (each.routes ?? []) : []))
    .map(({ to, via }) => ({ to, via, v6: isV6(to) }));
}

function metadataRoutes(metadataUrl: string | null = null) {
  const host = metadataUrl ? new URL(metadataUrl).hostname : '';
  return linkLocal.test(host) ? [{ to: `${host}/32`, via: '', v6: false }] : [];
}

const isV6 = (address: string) => address.includes(':');
