import type { NetworkConfiguration, NetworkLink, NicRole, PhysicalLink } from './network-configuration.js';

/** A card of a machine, as the inventory has it. */
export interface Nic {
  role: NicRole;
  /** Lower case, with colons. */
  mac: string;
  /** The address reserved for it; null: none is. */
  ip: string | null;
}

type Card = Pick<Nic, 'role' | 'mac'>;

/** The card that a link means, by its MAC address or by its role; undefined: the machine does not have it. */
export function cardOf<Known extends Card>(
  { mac, nic }: Pick<PhysicalLink, 'mac' | 'nic'>,
  nics: readonly Known[],
): Known | undefined {
  return nics.find((card) => (mac === undefined ? card.role === nic : card.mac === mac.toLowerCase()));
}

/**
 * A network with the card that the machine boots from: where no link is that card, it is added by DHCP, last, as `added`.
 * @param boot that card; undefined: it is not known, and nothing is added
 * @param nameOf an id that is not among those that are taken
 */
export function withBootCard(
  network: NetworkConfiguration | null,
  boot: Card | undefined,
  nameOf: (taken: string[]) => string,
): NetworkConfiguration & { added?: string } {
  const { links, addresses, dns } = network ?? noNetwork;
  const isBoot = (link: NetworkLink) => link.type === 'phy' && boot && cardOf(link, [boot]);
  if (!boot || links.some(isBoot)) return { links, addresses, dns };
  const added = nameOf(links.map(({ id }) => id));
  return {
    links: [...links, { id: added, type: 'phy', mac: boot.mac }],
    addresses: [...addresses, { type: 'dhcp4', link: added }],
    dns,
    added,
  };
}

const noNetwork: NetworkConfiguration = { links: [], addresses: [], dns: { servers: [], searchDomains: [] } };
