import { type InstanceConfiguration, type NetworkConfiguration, nothingConfigured } from '#core';
import type { DescribedInstance } from '#metadata';

/** What an instance is configured with when nobody asks for anything. */
export const noConfiguration: InstanceConfiguration = { ...nothingConfigured, configDrive: true };

/** An instance on a machine with four cards, of which the first has an address in the boot network. */
export const describedInstance = (
  configuration: Partial<InstanceConfiguration> = {},
  more: Partial<DescribedInstance> = {},
): DescribedInstance => ({
  id: '6f1c2f0e-5d0a-4a7e-9a3b-0d7c5b1f2a10',
  hostName: 'web-1',
  imageId: '0b7a7c52-9f5e-4f0c-8e0f-6f3a6f0c9d11',
  instanceType: 'baremetal.small',
  availabilityZone: 'nova',
  cluster: 'blue',
  rootDevice: '/dev/sda',
  nics: [
    { role: 'pxe', mac: '52:54:00:00:00:01', ip: '10.10.0.21' },
    { role: 'storage', mac: '52:54:00:00:00:02', ip: null },
    { role: 'service1', mac: '52:54:00:00:00:03', ip: null },
    { role: 'service2', mac: '52:54:00:00:00:04', ip: null },
  ],
  configuration: { ...noConfiguration, ...configuration },
  randomSeed: Buffer.alloc(512, 7).toString('base64'),
  settlingScript: null,
  ...more,
});

/** A VLAN on a bond of both service cards, with addresses of both families, a route beside the default one, and name servers. */
export const bondedNetwork: NetworkConfiguration = {
  links: [
    { id: 'service1', type: 'phy', nic: 'service1' },
    { id: 'service2', type: 'phy', mac: '52:54:00:00:00:04' },
    {
      id: 'bond0',
      type: 'bond',
      members: ['service1', 'service2'],
      mode: '802.3ad',
      miimonMs: 100,
      mtu: 9000,
    },
    { id: 'bond0.120', type: 'vlan', link: 'bond0', vlanId: 120 },
  ],
  addresses: [
    {
      type: 'static',
      link: 'bond0.120',
      address: '192.168.120.5/22',
      gateway: '192.168.123.254',
      routes: [{ to: '10.2.0.0/16', via: '192.168.123.253' }],
    },
    { type: 'static', link: 'bond0.120', address: '2001:db8:120::5/64', gateway: '2001:db8:120::1' },
  ],
  dns: { servers: ['192.168.120.53', '2001:db8::53'], searchDomains: ['example.org', 'example.net'] },
};
