/** How a card is named where nobody knows which machine it will be: by what the inventory calls it. */
export const nicRoles = ['pxe', 'storage', 'service1', 'service2'] as const;
export type NicRole = (typeof nicRoles)[number];

/** As the kernel's bonding driver calls them. */
export const bondModes = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;
export type BondMode = (typeof bondModes)[number];

interface Link {
  /** Other links and addresses name it so; the installed OS calls bonds and VLANs so. */
  id: string;
  /** In bytes; none given: what the kernel chooses. */
  mtu?: number;
}

/** A card, by its MAC address or by its role in the inventory: one of both. */
export type PhysicalLink = Link & { type: 'phy'; mac?: string; nic?: NicRole };
/** `miimonMs`: how often its cards are looked at. */
export type BondLink = Link & { type: 'bond'; members: string[]; mode: BondMode; miimonMs: number };
export type VlanLink = Link & { type: 'vlan'; link: string; vlanId: number };
export type NetworkLink = PhysicalLink | BondLink | VlanLink;

export interface NetworkRoute {
  /** A network such as 10.2.0.0/16. */
  to: string;
  via: string;
}

/** With its prefix length: 10.1.0.5/24. A gateway is the default route of its family. */
export interface StaticAddress {
  type: 'static';
  link: string;
  address: string;
  gateway?: string;
  routes?: NetworkRoute[];
}

/** From the network: DHCP for IPv4, DHCPv6, or router advertisements. */
export const dynamicAddressTypes = ['dhcp4', 'dhcp6', 'slaac'] as const;
export interface DynamicAddress {
  type: (typeof dynamicAddressTypes)[number];
  link: string;
}
export type NetworkAddress = StaticAddress | DynamicAddress;

/**
 * The network of an installed OS. The card that the machine boots from, when it is not among the links, is configured by DHCP: so
 * the OS reaches the controller, whatever else its owner asks for.
 */
export interface NetworkConfiguration {
  links: NetworkLink[];
  addresses: NetworkAddress[];
  dns: { servers: string[]; searchDomains: string[] };
}
