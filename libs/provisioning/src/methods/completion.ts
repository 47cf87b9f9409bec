import { DomainError, type InstanceConfiguration, type Machine } from '#core';

/** Where an OS can be reached: the addresses that it was given, else those that the inventory has for its machine. */
export function addressesOf(
  { serviceIp, pxeIp }: Pick<Machine, 'serviceIp' | 'pxeIp'>,
  { network }: Pick<InstanceConfiguration, 'network'>,
): string[] {
  const given = (network?.addresses ?? []).flatMap((each) =>
    each.type === 'static' ? [each.address.replace(/\/.*$/, '')] : [],
  );
  return given.length > 0 ? given : [serviceIp, pxeIp].filter((address) => address !== null);
}

/** Throws DomainError `invalid-request` when an OS is to be found by its answer on SSH, and nobody knows where. */
export function checkReachable(machine: Machine, configuration: InstanceConfiguration): void {
  if (addressesOf(machine, configuration).length > 0) return;
  throw new DomainError(
    'invalid-request',
    `network: the OS on ${machine.name} is to be seen answering on SSH, and no address of it is known.`,
    {
      remedy:
        'Give it a static address (network), enter the pxeIp or serviceIp of the machine, or have the image notify (completion).',
      context: { field: 'network' },
    },
  );
}
