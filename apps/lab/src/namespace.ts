import { existsSync } from 'node:fs';
import { execa } from 'execa';
import type { RackPlan } from './plan.js';

/**
 * The rack's network: a namespace with a bridge; the controller's and the BMCs' addresses are on the bridge. The second one joins
 * the service cards: nothing but machines is there, and what they send passes as it is, with VLAN tags too.
 */
const bridge = 'br0';
const serviceBridge = 'br-service';

export function namespaceExists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

/** Not `ip netns exec`: that copies all mounts, and what somebody else unmounts then stays mounted as long as the program runs. */
export function execInNamespacePrefix(namespace: string): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}

/** Makes the namespace with its bridge, addresses and one tap device a machine. It has no way out. */
export async function createNamespace(rack: RackPlan): Promise<void> {
  await execa('ip', ['netns', 'add', rack.namespace]);
  await execa('ip', ['-netns', rack.namespace, '-batch', '-'], { input: networkCommands(rack) });
}

/** Lines for `ip -batch`. */
export function networkCommands(rack: RackPlan): string {
  const lines = [
    'link set lo up',
    `link add ${bridge} type bridge forward_delay 0`,
    `address add ${rack.controllerAddress}/${rack.prefixLength} dev ${bridge}`,
    `address add ${rack.metadataAddress}/32 dev ${bridge}`,
    `link add ${serviceBridge} type bridge forward_delay 0 mcast_snooping 0`,
    ...rack.machines.flatMap((machine) => [
      `address add ${machine.bmc.host}/32 dev ${bridge}`,
      ...tapCommands(machine.tap, bridge),
      ...machine.serviceNics.flatMap(({ tap }) => tapCommands(tap, serviceBridge)),
    ]),
    `link set ${bridge} up`,
    `link set ${serviceBridge} up`,
  ];
  return `${lines.join('\n')}\n`;
}

function tapCommands(tap: string, master: string): string[] {
  return [`tuntap add dev ${tap} mode tap`, `link set ${tap} master ${master} up`];
}

/** False when the host was restarted, or when making it was cut short. */
export async function networkIsComplete(rack: RackPlan): Promise<boolean> {
  if (!namespaceExists(rack.namespace)) return false;
  const { stdout } = await execa('ip', ['-netns', rack.namespace, '-oneline', 'link', 'show', 'up']);
  const taps = rack.machines.flatMap(({ tap, serviceNics }) => [tap, ...serviceNics.map((each) => each.tap)]);
  return [bridge, serviceBridge, ...taps].every((link) => stdout.includes(` ${link}: `));
}

export async function deleteNamespace(namespace: string): Promise<void> {
  if (namespaceExists(namespace)) await execa('ip', ['netns', 'delete', namespace]);
}

/** Every process whose network is the namespace, this one left out. */
export async function namespacePids(namespace: string): Promise<number[]> {
  if (!namespaceExists(namespace)) return [];
  const { stdout } = await execa('ip', ['netns', 'pids', namespace]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** radvd's configuration: there is no IPv6 router here (lifetime 0), said often enough for an iPXE that asks once. */
export function routerAdvertisement(): string {
  return `interface ${bridge} {
  AdvSendAdvert on;
  AdvDefaultLifetime 0;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 4;
};
`;
}
