import {
  cardOf,
  DomainError,
  type Machine,
  type NetworkConfiguration,
  type Nic,
  type NicRole,
  nicRoles,
  type PhysicalLink,
} from '#core';

/** The one that the machine boots from comes first. */
export function nicsOf(machine: Machine): Nic[] {
  const { pxeMac, pxeIp, storageMac, storageIp, serviceMac1, serviceMac2, serviceIp } = machine;
  const known: Record<NicRole, [mac: string | null, ip: string | null]> = {
    pxe: [pxeMac, pxeIp],
    storage: [storageMac, storageIp],
    service1: [serviceMac1, serviceIp],
    service2: [serviceMac2, null],
  };
  return nicRoles.flatMap((role) => {
    const [mac, ip] = known[role];
    return mac === null ? [] : [{ role, mac, ip }];
  });
}

/** Throws DomainError `invalid-request` when the network needs a card that the machine does not have. */
export function checkCards(network: NetworkConfiguration | null, machine: Machine): void {
  const nics = nicsOf(machine);
  for (const [index, link] of (network?.links ?? []).entries())
    if (link.type === 'phy' && !cardOf(link, nics)) throw noSuchCard(machine, nics, link, index);
}

function noSuchCard({ name }: Machine, nics: Nic[], { nic, mac }: PhysicalLink, index: number): DomainError {
  const field = `network.links.${index}.${mac === undefined ? 'nic' : 'mac'}`;
  const what = mac === undefined ? `a card ${nic}` : `the MAC address ${mac}`;
  const has = nics.map((each) => `${each.role} ${each.mac}`).join(', ');
  return new DomainError('invalid-request', `${field}: ${name} does not have ${what}; it has ${has}.`, {
    remedy:
      mac === undefined
        ? 'Enrol the card with the machine, or name a machine that has one.'
        : 'Name the card by its role (nic), which every machine can have; or name the machine that has it.',
    context: { field },
  });
}
