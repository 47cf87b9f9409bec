import { gzipSync } from 'node:zlib';
import { cardOf, DomainError, type Machine, type NetworkConfiguration } from '#core';
import { networkConfig, resolvedNetwork } from '#metadata';
import { nicsOf } from '../configuring/cards.js';
import { describedInstance } from '../configuring/instance-documents.js';
import type { Imagined } from './install-method.js';

/** What the word begins with. */
export const networkWord = 'network-config=';

/**
 * The network of an instance as a word for the kernel: the same document that the metadata service has for NoCloud, packed. cloud-init takes
 * it from there before any other (cloudinit/net/cmdline.py, `read_kernel_cmdline_config`); that of Debian 12 takes none from the URL of NoCloud. None for
 * an instance that has no network of its own. Throws DomainError `invalid-request` for cards that the machine does not have.
 */
export function networkWords({ machine, instance }: Pick<Imagined, 'machine' | 'instance'>): string[] {
  if (instance.configuration.network === null) return [];
  const config = networkConfig(resolvedNetwork(describedInstance(instance, machine)));
  return [`${networkWord}${gzipSync(config, { level: 9 }).toString('base64')}`];
}

/**
 * By the card that it has booted from the OS is on the network before its configuration is read, and its metadata comes by an address
 * of this network. Throws DomainError `invalid-request` for a network that could not become the OS's own so.
 */
export function checkLiveNetwork(machine: Machine, network: NetworkConfiguration | null): void {
  if (network === null) return;
  const [boot] = nicsOf(machine);
  const { links, addresses } = network;
  const index = links.findIndex((link) => link.type === 'phy' && boot && cardOf(link, [boot]));
  const id = links[index]?.id;
  if (id === undefined) return;
  const above = links.find((link) =>
    link.type === 'bond' ? link.members.includes(id) : link.type === 'vlan' && link.link === id,
  );
  // It has an address and is up by then, so that it cannot be given the name by which those above it know it.
  if (above)
    throw unfit(
      `links.${index}`,
      `${machine.name} runs in memory what it fetches by its card ${id}, which ${above.id} cannot be made of then.`,
      'Make bonds and VLANs of its other cards, or choose an image that is installed to a disk.',
    );
  if (addresses.length === 0)
    throw unfit(
      'addresses',
      `${machine.name} would run in memory without any address, and could not ask the metadata service for anything.`,
      `Give ${id} an address, or leave it out of the links: then it has one by DHCP.`,
    );
}

function unfit(field: string, message: string, remedy: string): DomainError {
  const context = { field: `network.${field}` };
  return new DomainError('invalid-request', `network.${field}: ${message}`, { remedy, context });
}
