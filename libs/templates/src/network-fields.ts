import { bondModes } from '#core';
import { z } from 'zod';
import { count, mac } from './fields.js';

/** Words that no shell and no configuration file of a network manager reads as more than a word. */
const linkName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/, 'is not a name of a link');
const address = z.string().regex(/^[0-9A-Fa-f:.]{2,45}$/, 'is not an IP address');
const cidr = z.string().regex(/^[0-9A-Fa-f:.]{2,45}\/\d{1,3}$/, 'is not an address with its prefix length');
const domain = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'is not a domain');
const none = z.literal('');

/** Everything is there in every link, so that a misspelt name in a template is an error. */
export const guestLink = z.strictObject({
  name: linkName,
  type: z.enum(['phy', 'bond', 'vlan']),
  mac: mac.or(none),
  mtu: count.nullable(),
  bond: linkName.or(none),
  members: z.array(linkName),
  bondMode: z.enum(bondModes),
  miimonMs: z.int().min(0),
  parent: linkName.or(none),
  vlanId: z.int().min(1).max(4094).nullable(),
  vlans: z.array(linkName),
  addresses4: z.array(cidr),
  addresses6: z.array(cidr),
  gateway4: address.or(none),
  gateway6: address.or(none),
  dhcp4: z.boolean(),
  dhcp6: z.boolean(),
  slaac: z.boolean(),
  /** IPv6 as the OS has it by itself. */
  anyIpv6: z.boolean(),
  /** Without `via`: on the link itself. */
  routes: z.array(z.strictObject({ to: cidr, via: address.or(none), v6: z.boolean() })),
  dnsServers: z.array(address),
  searchDomains: z.array(domain),
});

export const guestNetwork = z.strictObject({
  /** Whether cards are given their names; otherwise they are known by their MAC address alone. */
  namesCards: z.boolean(),
  /** What others are made of comes first. */
  links: z.array(guestLink),
});
