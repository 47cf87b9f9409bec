import { randomBytes } from 'node:crypto';
import type { InstanceConfiguration, NetworkConfiguration } from '#core';
import type { DescribedInstance, InstanceData } from '#metadata';
import { bondedNetwork, describedInstance } from '#testing';
import type { Cards } from './cloud-init-reader.js';

export interface MatrixInstance {
  instance: DescribedInstance;
  data: InstanceData;
}

const noDns = { servers: [], searchDomains: [] };
const network = (links: NetworkConfiguration['links'], addresses: NetworkConfiguration['addresses']) => ({
  links,
  addresses,
  dns: noDns,
});
const service1 = { id: 'front', type: 'phy', nic: 'service1' } as const;
const text = (content: string): string => Buffer.from(content).toString('base64');
const file = (path: string, base64: string) => ({ path, base64, mode: '0640', owner: 'root:root' });

function made(
  configuration: Partial<InstanceConfiguration>,
  data: Partial<InstanceData> = {},
): MatrixInstance {
  return {
    instance: describedInstance(configuration),
    data: { userData: null, vendorData: null, ...data },
  };
}

/** Instances that differ in everything that documents tell. */
export const instanceMatrix: Record<string, MatrixInstance> = {
  'that nobody configured': made({}),
  'with a static IPv4 address and a route': made({
    sshKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ann@home'],
    network: network(
      [{ ...service1, mtu: 1400 }],
      [
        {
          type: 'static',
          link: 'front',
          address: '192.168.7.9/28',
          gateway: '192.168.7.1',
          routes: [{ to: '10.0.0.0/8', via: '192.168.7.2' }],
        },
      ],
    ),
  }),
  'with static addresses of both families and name servers': made({
    network: {
      ...network(
        [service1],
        [
          { type: 'static', link: 'front', address: '192.168.7.9/24', gateway: '192.168.7.1' },
          { type: 'static', link: 'front', address: '2001:db8:7::9/64', gateway: '2001:db8:7::1' },
          { type: 'static', link: 'front', address: '192.168.7.10/24' },
        ],
      ),
      dns: { servers: ['192.168.7.53', '2001:db8:7::53'], searchDomains: ['example.org'] },
    },
  }),
  'with DHCP of both families': made({
    network: network(
      [service1],
      [
        { type: 'dhcp4', link: 'front' },
        { type: 'dhcp6', link: 'front' },
      ],
    ),
  }),
  'with an address by router advertisements': made({
    network: network([service1], [{ type: 'slaac', link: 'front' }]),
  }),
  'with a bond': made({
    network: network(
      [
        { id: 'one', type: 'phy', nic: 'service1' },
        { id: 'two', type: 'phy', nic: 'service2' },
        {
          id: 'bond0',
          type: 'bond',
          members: ['one', 'two'],
          mode: 'active-backup',
          miimonMs: 50,
          mtu: 9000,
        },
      ],
      [{ type: 'static', link: 'bond0', address: '10.5.0.2/16' }],
    ),
  }),
  'with a VLAN on a card': made({
    network: network(
      [service1, { id: 'front.42', type: 'vlan', link: 'front', vlanId: 42, mtu: 1300 }],
      [{ type: 'static', link: 'front.42', address: '10.42.0.2/24', gateway: '10.42.0.1' }],
    ),
  }),
  'with a VLAN on a bond': made({ network: bondedNetwork }),
  'with the boot card static, and no DHCP anywhere': made({
    network: network(
      [{ id: 'boot', type: 'phy', nic: 'pxe' }],
      [{ type: 'static', link: 'boot', address: '10.10.0.99/24', gateway: '10.10.0.1' }],
    ),
  }),
  'with many keys, some of the same name': made({
    sshKeys: Array.from(
      { length: 40 },
      (_, index) => `ssh-rsa AAAAB3NzaC1yc2E${index} ann / home=${index % 3}/`,
    ),
  }),
  'with files of every content': made({
    files: [
      file('/etc/motd', text('welcome\n')),
      file('/opt/bytes', randomBytes(70_000).toString('base64')),
      file('/opt/ünïcode ✓', ''),
    ],
  }),
  'with metadata in every script': made({
    metadata: { rack: '7', Größe: 'Ü ✓ 猫', quoted: '"\\{\n}' },
    launchIndex: 12,
  }),
  'with user data and vendor data': made(
    {},
    {
      userData: Buffer.from('#cloud-config\nhostname: über\n'),
      vendorData: Buffer.from('#cloud-config\n# ✓\n'),
    },
  ),
  'with user data of any bytes': made(
    {},
    { userData: Buffer.concat([Buffer.from([0x1f, 0x8b, 0, 0xff]), randomBytes(16_000)]) },
  ),
};

/** What the kernel calls the cards of a machine. */
export const cardsOf = ({ nics }: DescribedInstance): Cards =>
  Object.fromEntries(nics.map(({ mac }, index) => [mac, `eno${index + 1}`]));
