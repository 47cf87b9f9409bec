import { DomainError, type Machine, type NetworkConfiguration } from '#core';
import type { Prisma } from './generated/client.js';

type Transaction = Prisma.TransactionClient;

/** Addresses mean different hosts in different VLANs; 0: none. */
interface PlacedAddress {
  vlanId: number;
  address: string;
  /** Of the request, for whoever reads a refusal. */
  field: string;
}

/** Who is to have which addresses. */
export interface AddressClaim {
  instanceId: string;
  machine: Machine;
  /** Of the instance: where its cards are, unless a link says otherwise. */
  vlanId: number | null;
  network: NetworkConfiguration | null;
}

/**
 * Gives an instance its static addresses, for as long as it is not deleted. Throws DomainError `address-in-use` when one of them is another's, and `state-changed` when it
 * was given to another one just now.
 */
export async function claimAddresses(tx: Transaction, claim: AddressClaim): Promise<void> {
  const placed = placedAddresses(claim);
  if (placed.length === 0) return;
  await checkOtherInstances(tx, placed);
  await checkOtherMachines(tx, claim.machine, placed);
  const { instanceId } = claim;
  const data = placed.map(({ vlanId, address }) => ({ vlanId, address, instanceId }));
  const { count } = await tx.instanceAddress.createMany({ data, skipDuplicates: true });
  if (count === placed.length) return;
  throw new DomainError('state-changed', 'Another request was just given one of these addresses.', {
    remedy: 'Send the request again.',
  });
}

export async function freeAddresses(tx: Transaction, instanceId: string): Promise<void> {
  await tx.instanceAddress.deleteMany({ where: { instanceId } });
}

function placedAddresses({ network, vlanId }: AddressClaim): PlacedAddress[] {
  return (network?.addresses ?? []).flatMap((given, index) => {
    if (given.type !== 'static') return [];
    const link = network?.links.find(({ id }) => id === given.link);
    const [address = ''] = given.address.split('/');
    const place = link?.type === 'vlan' ? link.vlanId : (vlanId ?? 0);
    return [{ vlanId: place, address, field: `network.addresses.${index}.address` }];
  });
}

async function checkOtherInstances(tx: Transaction, placed: PlacedAddress[]): Promise<void> {
  const taken = await tx.instanceAddress.findFirst({
    where: { OR: placed.map(({ vlanId, address }) => ({ vlanId, address })) },
  });
  if (!taken) return;
  const holder = await tx.instance.findUniqueOrThrow({ where: { id: taken.instanceId } });
  throw inUse(placed, taken.address, `the instance ${holder.hostName} (${holder.id})`);
}

/** What the inventory reserves for the cards of a machine is nobody else's. */
async function checkOtherMachines(tx: Transaction, own: Machine, placed: PlacedAddress[]): Promise<void> {
  const among = { in: placed.map(({ address }) => address) };
  const other = await tx.machine.findFirst({
    where: { id: { not: own.id }, OR: [{ pxeIp: among }, { storageIp: among }, { serviceIp: among }] },
  });
  if (!other) return;
  const address = [other.pxeIp, other.storageIp, other.serviceIp].find(
    (each) => each && among.in.includes(each),
  );
  throw inUse(placed, address ?? '', `the machine ${other.name}`);
}

function inUse(placed: PlacedAddress[], address: string, holder: string): DomainError {
  const field = placed.find((each) => each.address === address)?.field;
  return new DomainError('address-in-use', `${field}: ${address} is the address of ${holder}.`, {
    remedy: 'Choose another address, or destroy that instance first.',
    context: { field },
  });
}
