import type { NetworkAddress, NetworkConfiguration, NetworkLink, StaticAddress } from '#core';
import { familyOf, isLinkLocal, isWithin, plain } from './addresses.js';

export interface NetworkFault {
  path: (string | number)[];
  /** What is wrong, and what to do. */
  message: string;
}

/** What a network says that cannot be, each with the field it is in. Its form, field by field, is taken for right. */
export function networkFaults({ links, addresses }: NetworkConfiguration): NetworkFault[] {
  return [
    ...links.flatMap((link, index) => at(['links', index], linkFaults(link, links))),
    ...twice(links, (link) => ['id', link.id], 'links', 'names are for one link each'),
    ...twice(links, cardOf, 'links', 'is a card of another link already'),
    ...twice(links, vlanOf, 'links', 'is the VLAN of another link on the same one already'),
    ...addresses.flatMap((address, index) => at(['addresses', index], addressFaults(address, links))),
    ...twice(addresses, bareOf, 'addresses', 'is given twice: an address is on one link'),
    ...twice(
      addresses,
      gatewayOf,
      'addresses',
      'is a second default route of this family: give the others as routes',
    ),
  ];
}

function at(prefix: (string | number)[], faults: NetworkFault[]): NetworkFault[] {
  return faults.map(({ path, message }) => ({ path: [...prefix, ...path], message }));
}

const fault = (message: string, ...path: (string | number)[]): NetworkFault[] => [{ path, message }];

/** Those after the first with the same value, in the field that is told with it; undefined has none. */
function twice<Item>(
  items: Item[],
  valueOf: (item: Item) => [field: string, value: string] | undefined,
  list: string,
  message: string,
): NetworkFault[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const [field, value] = valueOf(item) ?? [];
    if (field === undefined || value === undefined) return [];
    if (seen.has(value)) return fault(message, list, index, field);
    seen.add(value);
    return [];
  });
}

function cardOf(link: NetworkLink): [string, string] | undefined {
  if (link.type !== 'phy') return undefined;
  return link.mac === undefined ? ['nic', link.nic ?? ''] : ['mac', link.mac];
}

function vlanOf(link: NetworkLink): [string, string] | undefined {
  return link.type === 'vlan' ? ['vlanId', `${link.link} ${link.vlanId}`] : undefined;
}

function bareOf(address: NetworkAddress): [string, string] | undefined {
  return address.type === 'static' ? ['address', address.address.split('/')[0] ?? ''] : undefined;
}

function gatewayOf(address: NetworkAddress): [string, string] | undefined {
  if (address.type !== 'static' || address.gateway === undefined) return undefined;
  return ['gateway', familyOf(address.gateway)];
}

function linkFaults(link: NetworkLink, links: NetworkLink[]): NetworkFault[] {
  switch (link.type) {
    case 'phy':
      if ((link.mac === undefined) !== (link.nic === undefined)) return [];
      return fault('needs its card: either mac, or nic with its role in the inventory', 'mac');
    case 'bond':
      return link.members.flatMap((id, index) =>
        at(['members', index], memberFaults(id, index, link.members, links)),
      );
    case 'vlan':
      return vlanFaults(link.link, link.mtu, links);
  }
}

function memberFaults(id: string, index: number, members: string[], links: NetworkLink[]): NetworkFault[] {
  const member = links.find((link) => link.id === id);
  if (!member) return fault(`names the link ${id}, which is not among the links`);
  if (member.type !== 'phy') return fault(`names ${id}, which is a ${member.type}: a bond is made of cards`);
  if (members.indexOf(id) !== index) return fault(`names ${id} twice`);
  const bonds = links.filter((link) => link.type === 'bond' && link.members.includes(id));
  return bonds[0]?.type === 'bond' && bonds[0].members !== members
    ? fault(`names ${id}, which is in the bond ${bonds[0].id} already`)
    : [];
}

function vlanFaults(id: string, mtu: number | undefined, links: NetworkLink[]): NetworkFault[] {
  const below = links.find((link) => link.id === id);
  if (!below) return fault(`names the link ${id}, which is not among the links`, 'link');
  if (below.type === 'vlan') return fault(`names ${id}, which is a VLAN itself`, 'link');
  const bond = bondOf(id, links);
  if (bond)
    return fault(`names ${id}, which is a member of the bond ${bond}: put the VLAN on the bond`, 'link');
  if (mtu !== undefined && below.mtu !== undefined && mtu > below.mtu)
    return fault(`is larger than the ${below.mtu} bytes of ${id}, which it is on`, 'mtu');
  return [];
}

function bondOf(id: string, links: NetworkLink[]): string | undefined {
  return links.find((link) => link.type === 'bond' && link.members.includes(id))?.id;
}

function addressFaults(address: NetworkAddress, links: NetworkLink[]): NetworkFault[] {
  const known = links.some(({ id }) => id === address.link);
  if (!known) return fault(`names the link ${address.link}, which is not among the links`, 'link');
  const bond = bondOf(address.link, links);
  if (bond)
    return fault(`names ${address.link}, a member of the bond ${bond}: put the address on the bond`, 'link');
  return address.type === 'static' ? staticFaults(address) : [];
}

function staticFaults({ address, gateway, routes = [] }: StaticAddress): NetworkFault[] {
  return [
    ...(gateway === undefined ? [] : at(['gateway'], hopFaults(gateway, address))),
    ...routes.flatMap(({ to, via }, index) => [
      ...(familyOf(to.split('/')[0] ?? '') === familyOf(via)
        ? []
        : fault(`is of another family than ${via}`, 'routes', index, 'to')),
      ...at(['routes', index, 'via'], hopFaults(via, address)),
    ]),
  ];
}

/** Where packets are sent to must be reached without being sent to it. */
function hopFaults(hop: string, cidr: string): NetworkFault[] {
  const [own = ''] = cidr.split('/');
  if (familyOf(hop) !== familyOf(own)) return fault(`is of another family than the address ${own}`);
  if (plain(hop) === own) return fault('is the address itself');
  if (isWithin(hop, cidr) || isLinkLocal(hop)) return [];
  return fault(`is outside the subnet of ${cidr}: it could not be reached`);
}
