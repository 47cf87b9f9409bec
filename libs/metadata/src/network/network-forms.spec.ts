import { bondedNetwork, describedInstance } from '#testing';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { NetworkConfiguration, NetworkLink } from '#core';
import { networkConfig } from './network-config.js';
import { networkData } from './network-data.js';
import { knownIpv4, resolvedNetwork } from './resolved-network.js';

const resolved = (network: NetworkConfiguration | null) => resolvedNetwork(describedInstance({ network }));
const dataOf = (network: NetworkConfiguration | null) => networkData(resolved(network));
const configOf = (network: NetworkConfiguration | null): unknown => parse(networkConfig(resolved(network)));
const noDns = { servers: [], searchDomains: [] };

const staticOnBootCard: NetworkConfiguration = {
  links: [{ id: 'front', type: 'phy', nic: 'pxe', mtu: 1400 }],
  addresses: [
    { type: 'static', link: 'front', address: '203.0.113.7/25' },
    { type: 'slaac', link: 'front' },
  ],
  dns: { servers: ['203.0.113.1'], searchDomains: [] },
};

describe('a network on its machine', () => {
  it('is DHCP on the card that the machine boots from when nobody asks for anything', () => {
    expect(dataOf(null)).toEqual({
      links: [{ id: 'pxe', type: 'phy', ethernet_mac_address: '52:54:00:00:00:01' }],
      networks: [{ id: 'network0', network_id: 'network0', link: 'pxe', type: 'ipv4_dhcp' }],
      services: [],
    });
    expect(configOf(null)).toEqual({
      version: 2,
      ethernets: { pxe: { match: { macaddress: '52:54:00:00:00:01' }, dhcp4: true } },
    });
  });

  it('keeps what the owner says of the card that the machine boots from, named by role or by address in any case', () => {
    const byRole = resolved(staticOnBootCard);
    const byMac = resolved({
      ...staticOnBootCard,
      links: [{ id: 'front', type: 'phy', mac: '52:54:00:00:00:01'.toUpperCase() }],
    });
    for (const { links } of [byRole, byMac]) {
      expect(links.map(({ id, mac }) => [id, mac])).toEqual([['front', '52:54:00:00:00:01']]);
    }
  });

  it('calls the added card otherwise when its name is taken', () => {
    const network = {
      links: [{ id: 'pxe', type: 'phy', nic: 'storage' } as const],
      addresses: [],
      dns: noDns,
    };
    expect(resolved(network).links.map(({ id }) => id)).toEqual(['pxe', 'pxe1']);
  });

  it('refuses a card that the machine does not have, and says which it has', () => {
    const network = {
      links: [{ id: 'a', type: 'phy', mac: '52:54:00:00:00:99' } as const],
      addresses: [],
      dns: noDns,
    };
    expect(() => resolved(network)).toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        remedy: expect.stringContaining('service2 (52:54:00:00:00:04)'),
        context: { field: 'network.links.0.mac' },
      }),
    );
  });

  it('refuses a link that is made of one that is not there, or of itself', () => {
    const onNothing: NetworkLink = { id: 'v', type: 'vlan', link: 'gone', vlanId: 5 };
    const circle: NetworkLink = { id: 'b', type: 'bond', members: ['v'], mode: 'broadcast', miimonMs: 100 };
    for (const links of [[onNothing], [{ ...onNothing, link: 'b' }, circle], [{ ...onNothing, link: 'v' }]]) {
      expect(() => resolved({ links, addresses: [], dns: noDns })).toThrow(
        expect.objectContaining({ code: 'invalid-request', context: { field: 'network.links.0' } }),
      );
    }
  });

  it('has as its known address the first static one, else the one that is reserved in the boot network', () => {
    const known = (network: NetworkConfiguration | null, instance = describedInstance({ network })) =>
      knownIpv4(instance, resolvedNetwork(instance));
    expect(known(bondedNetwork)).toBe('192.168.120.5');
    expect(known(null)).toBe('10.10.0.21');
    const nics = [{ role: 'pxe', mac: '52:54:00:00:00:01', ip: null } as const];
    expect(known(null, describedInstance({}, { nics }))).toBeNull();
  });
});

describe('network_data.json', () => {
  it('has cards, bonds and VLANs with their addresses, and what they are made of', () => {
    expect(dataOf(bondedNetwork).links).toEqual([
      { id: 'service1', type: 'phy', ethernet_mac_address: '52:54:00:00:00:03' },
      { id: 'service2', type: 'phy', ethernet_mac_address: '52:54:00:00:00:04' },
      {
        id: 'bond0',
        type: 'bond',
        mtu: 9000,
        ethernet_mac_address: '52:54:00:00:00:03',
        bond_links: ['service1', 'service2'],
        bond_mode: '802.3ad',
        bond_miimon: 100,
      },
      {
        id: 'bond0.120',
        type: 'vlan',
        vlan_mac_address: '52:54:00:00:00:03',
        vlan_link: 'bond0',
        vlan_id: 120,
      },
      { id: 'pxe', type: 'phy', ethernet_mac_address: '52:54:00:00:00:01' },
    ]);
  });

  it('has a gateway as the default route, before the others', () => {
    expect(dataOf(bondedNetwork).networks).toMatchObject([
      {
        type: 'ipv4',
        link: 'bond0.120',
        ip_address: '192.168.120.5',
        netmask: '255.255.252.0',
        routes: [
          { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.168.123.254' },
          { network: '10.2.0.0', netmask: '255.255.0.0', gateway: '192.168.123.253' },
        ],
      },
      {
        type: 'ipv6',
        ip_address: '2001:db8:120::5',
        netmask: 'ffff:ffff:ffff:ffff::',
        routes: [{ network: '::', netmask: '::', gateway: '2001:db8:120::1' }],
      },
      { type: 'ipv4_dhcp', link: 'pxe' },
    ]);
  });

  it('has name servers, and once the domains that are searched', () => {
    expect(dataOf(bondedNetwork).services).toEqual([
      { type: 'dns', address: '192.168.120.53', search: ['example.org', 'example.net'] },
      { type: 'dns', address: '2001:db8::53' },
    ]);
  });

  it('names addresses by DHCPv6 and by router advertisements', () => {
    const network: NetworkConfiguration = {
      ...staticOnBootCard,
      addresses: [
        { type: 'dhcp6', link: 'front' },
        { type: 'slaac', link: 'front' },
      ],
    };
    expect(dataOf(network).networks.map(({ type }) => type)).toEqual(['ipv6_dhcp', 'ipv6_slaac']);
  });
});

describe('network config version 2', () => {
  it('names cards that something is made of, and states name servers once, where the default route goes', () => {
    expect(configOf(bondedNetwork)).toEqual({
      version: 2,
      ethernets: {
        service1: { match: { macaddress: '52:54:00:00:00:03' }, 'set-name': 'service1' },
        service2: { match: { macaddress: '52:54:00:00:00:04' }, 'set-name': 'service2' },
        pxe: { match: { macaddress: '52:54:00:00:00:01' }, dhcp4: true },
      },
      bonds: {
        bond0: {
          interfaces: ['service1', 'service2'],
          parameters: { mode: '802.3ad', 'mii-monitor-interval': 100 },
          mtu: 9000,
        },
      },
      vlans: {
        'bond0.120': {
          id: 120,
          link: 'bond0',
          'accept-ra': false,
          addresses: ['192.168.120.5/22', '2001:db8:120::5/64'],
          gateway6: '2001:db8:120::1',
          routes: [
            { to: '0.0.0.0/0', via: '192.168.123.254' },
            { to: '10.2.0.0/16', via: '192.168.123.253' },
          ],
          nameservers: {
            addresses: ['192.168.120.53', '2001:db8::53'],
            search: ['example.org', 'example.net'],
          },
        },
      },
    });
  });

  it('has addresses of cards in quotes: YAML 1.1 would take them for numbers', () => {
    expect(networkConfig(resolved(null))).toContain('macaddress: "52:54:00:00:00:01"');
  });

  it('takes router advertisements where they are asked for, beside a static address too', () => {
    expect(configOf(staticOnBootCard)).toEqual({
      version: 2,
      ethernets: {
        front: {
          match: { macaddress: '52:54:00:00:00:01' },
          mtu: 1400,
          'accept-ra': true,
          addresses: ['203.0.113.7/25'],
          nameservers: { addresses: ['203.0.113.1'] },
        },
      },
    });
  });
});
