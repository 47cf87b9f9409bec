import { describe, expect, it } from 'vitest';
import { configurationDefaults } from './configuration.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8f1m1i2jTo0hKfDx1Vb4ueqkY3AvRkcXcvtQ1PkJCi me@desk';

/** What speaks against the input, by field. */
function faultsOf(input: unknown): Record<string, string> {
  const issues = configurationDefaults.safeParse(input).error?.issues ?? [];
  return Object.fromEntries(issues.map(({ path, message }) => [path.join('.'), message]));
}

const phy = (id: string, more: object = { nic: id }) => ({ id, type: 'phy', ...more });
const bond = (id: string, ...members: string[]) => ({ id, type: 'bond', members });
const vlan = (id: string, link: string, vlanId: number, more = {}) => ({
  id,
  type: 'vlan',
  link,
  vlanId,
  ...more,
});
const at = (link: string, address: string, more = {}) => ({ type: 'static', link, address, ...more });
const net = (links: object[], ...addresses: object[]) => ({ network: { links, addresses } });
const s1 = phy('service1');
const s2 = phy('service2');

describe('a key', () => {
  it.each([[`${key}x y`.replace('x y', '')], ['  ' + key + '\n']])('is taken as %j', (text) => {
    expect(configurationDefaults.parse({ sshKeys: [text] })).toEqual({ sshKeys: [key] });
  });

  it.each([
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA', 'is a private key'],
    [`${key}\n${key}`, 'is not one line'],
    ['ssh-foo AAAAC3NzaC1lZDI1NTE5AAAAIB8f me', 'has the type ssh-foo'],
    ['AAAAC3NzaC1lZDI1NTE5AAAAIB8f', 'has the type AAAA'],
    ['ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIB8f1m1i me', 'does not hold a key of type ssh-rsa'],
    ['ssh-ed25519 !!!', 'does not hold a key'],
  ])('%j is refused: %s', (text, message) => {
    expect(faultsOf({ sshKeys: [key, text] })).toEqual({ 'sshKeys.1': expect.stringContaining(message) });
  });
});

describe('a password', () => {
  it('is given as one or as its hash', () => {
    const passwordHash = '$6$tcB3oUoZ2bL8mTAE$Wg3E4R.dUbV6X1h2f3J4k5l6m7n8o9p0';
    expect(faultsOf({ passwordHash })).toEqual({});
    expect(Object.keys(faultsOf({ password: 'x', passwordHash }))).toEqual(['passwordHash']);
  });

  it.each(['plain', '$1$abc$def', '$y$j9T$abc$def', ''])('hash %j is refused', (passwordHash) => {
    expect(faultsOf({ passwordHash })).toEqual({ passwordHash: expect.stringContaining('is not a hash') });
  });

  it.each(['', 'a\nb', 'a\0b'])('%j is refused', (password) => {
    expect(Object.keys(faultsOf({ password }))).toEqual(['password']);
  });
});

describe('a file', () => {
  it('has a mode and an owner, and its content in base64', () => {
    expect(
      configurationDefaults.parse({ files: [{ path: '/etc/motd', content: 'é', mode: '600' }] }).files,
    ).toEqual([{ path: '/etc/motd', base64: 'w6k=', mode: '0600', owner: 'root:root' }]);
  });

  it.each([
    ['path', { path: 'etc/motd' }, 'is not absolute'],
    ['path', { path: '/etc/../root/x' }, 'holds ".."'],
    ['path', { path: '/etc//motd' }, 'names no file'],
    ['path', { path: '/etc/' }, 'names no file'],
    ['path', { path: '/proc/x' }, 'is where the kernel shows itself'],
    ['path', { path: '/etc/a\nb' }, 'holds a control character'],
    ['mode', { mode: '888' }, 'is not a mode'],
    ['owner', { owner: 'root' }, 'is not USER:GROUP'],
    ['base64', { content: undefined, base64: '@' }, 'is not base64'],
    ['', { content: undefined }, 'needs its content'],
    ['', { base64: '' }, 'needs its content'],
  ])('is refused for its %s in %j', (field, over, message) => {
    const name = ['files.0', field].filter((part) => part !== '').join('.');
    expect(faultsOf({ files: [{ path: '/etc/motd', content: 'x', ...over }] })).toEqual({
      [name]: expect.stringContaining(message),
    });
  });

  it('has one content', () => {
    const file = { path: '/etc/motd', content: '' };
    expect(faultsOf({ files: [file, file] })).toEqual({ 'files.1.path': expect.stringContaining('twice') });
  });
});

describe('a network', () => {
  it('is taken with bond, VLAN and addresses of both families', () => {
    const links = [s1, s2, bond('bond0', 'service1', 'service2'), vlan('v42', 'bond0', 42, { mtu: 1400 })];
    const network = net(
      links,
      at('bond0', '10.1.0.5/24', { gateway: '10.1.0.1', routes: [{ to: '10.2.0.0/16', via: '10.1.0.2' }] }),
      at('v42', '10.42.0.5', { subnet: '10.42.0.0/24' }),
      at('v42', '2001:db8::5/64', { gateway: 'fe80::1' }),
    );
    expect(faultsOf(network)).toEqual({});
    const { addresses, links: taken } = configurationDefaults.parse(network).network!;
    expect(addresses[1]).toEqual({ type: 'static', link: 'v42', address: '10.42.0.5/24' });
    expect(taken[2]).toMatchObject({ mode: 'active-backup', miimonMs: 100 });
  });

  it.each([
    ['links.0.vlanId', net([vlan('v', 'service1', 0), s1]), 'is not a VLAN'],
    ['links.1.vlanId', net([s1, vlan('v', 'service1', 4095)]), 'is not a VLAN'],
    ['links.0.members', net([bond('b')]), 'is empty'],
    ['links.0.members.0', net([bond('b', 'x')]), 'is not among the links'],
    ['links.2.members.0', net([s1, vlan('v', 'service1', 5), bond('b', 'v')]), 'a bond is made of cards'],
    ['links.1.members.1', net([s1, bond('b', 'service1', 'service1')]), 'twice'],
    ['links.2.members.0', net([s1, bond('a', 'service1'), bond('b', 'service1')]), 'in the bond a already'],
    ['links.0.mac', net([phy('a', {})]), 'needs its card'],
    ['links.0.mac', net([phy('a', { nic: 'pxe', mac: '52:54:00:00:00:01' })]), 'needs its card'],
    ['links.0.mac', net([phy('a', { mac: 'ff:ff:ff:ff:ff:ff' })]), 'is not the MAC address'],
    ['links.1.nic', net([s1, phy('again', { nic: 'service1' })]), 'is a card of another link'],
    ['links.1.id', net([s1, phy('service1', { nic: 'pxe' })]), 'names are for one link'],
    ['links.0.id', net([phy('eth0 ', { nic: 'pxe' })]), 'is not a name of a link'],
    ['links.0.mtu', net([phy('a', { nic: 'pxe', mtu: 60 })]), 'is smaller'],
    [
      'links.1.mtu',
      net([phy('a', { nic: 'pxe', mtu: 1500 }), vlan('v', 'a', 5, { mtu: 9000 })]),
      'is larger',
    ],
    ['links.1.link', net([s1, vlan('v', 'x', 5)]), 'is not among the links'],
    [
      'links.2.vlanId',
      net([s1, vlan('v', 'service1', 5), vlan('w', 'service1', 5)]),
      'is the VLAN of another',
    ],
    ['links.2.link', net([s1, bond('b', 'service1'), vlan('v', 'service1', 5)]), 'put the VLAN on the bond'],
    ['addresses.0.address', net([s1], at('service1', '10.1.0.5')), 'has no prefix length'],
    ['addresses.0.address', net([s1], at('service1', '10.1.0.500/24')), 'is not an address'],
    ['addresses.0.address', net([s1], at('service1', '010.1.0.5/24')), 'is not an address'],
    ['addresses.0.address', net([s1], at('service1', '10.1.0.0/24')), 'is outside its subnet'],
    ['addresses.0.address', net([s1], at('service1', '10.1.0.255/24')), 'is outside its subnet'],
    [
      'addresses.0.address',
      net([s1], at('service1', '10.1.9.5', { subnet: '10.1.0.0/24' })),
      'is outside its subnet',
    ],
    ['addresses.0.address', net([s1], at('service1', '127.0.0.1/8')), 'is loopback'],
    ['addresses.0.address', net([s1], at('service1', '224.0.0.1/24')), 'is multicast'],
    [
      'addresses.0.subnet',
      net([s1], at('service1', '10.1.0.5', { subnet: '10.1.0.1/24' })),
      'is not a network',
    ],
    [
      'addresses.0.gateway',
      net([s1], at('service1', '10.1.0.5/24', { gateway: '10.9.0.1' })),
      'outside the subnet',
    ],
    [
      'addresses.0.gateway',
      net([s1], at('service1', '10.1.0.5/24', { gateway: '10.1.0.5' })),
      'is the address itself',
    ],
    [
      'addresses.0.gateway',
      net([s1], at('service1', '10.1.0.5/24', { gateway: 'fe80::1' })),
      'of another family',
    ],
    ['addresses.0.link', net([s1], at('x', '10.1.0.5/24')), 'is not among the links'],
    [
      'addresses.0.link',
      net([s1, bond('b', 'service1')], at('service1', '10.1.0.5/24')),
      'put the address on the bond',
    ],
    [
      'addresses.1.address',
      net([s1], at('service1', '10.1.0.5/24'), at('service1', '10.1.0.5/24')),
      'is given twice',
    ],
    [
      'addresses.1.gateway',
      net(
        [s1, s2],
        at('service1', '10.1.0.5/24', { gateway: '10.1.0.1' }),
        at('service2', '10.2.0.5/24', { gateway: '10.2.0.1' }),
      ),
      'is a second default route',
    ],
    [
      'addresses.0.routes.0.via',
      net([s1], at('service1', '10.1.0.5/24', { routes: [{ to: '10.2.0.0/16', via: '10.3.0.1' }] })),
      'outside the subnet',
    ],
    [
      'addresses.0.routes.0.to',
      net([s1], at('service1', '10.1.0.5/24', { routes: [{ to: '10.2.0.1/16', via: '10.1.0.1' }] })),
      'is not a network',
    ],
  ])('is refused for %s', (field, network, message) => {
    expect(faultsOf(network)).toEqual({ [`network.${field}`]: expect.stringContaining(message) });
  });
});

describe('user data', () => {
  it.each([
    ['#!/bin/sh\n', { kind: 'own', base64: 'IyEvYmluL3NoCg==' }],
    [{ base64: 'H4sIAA==' }, { kind: 'own', base64: 'H4sIAA==' }],
    [
      {
        parts: [{ item: 'base@3' }, { item: 'more' }, { type: 'text/x-shellscript', content: '#!/bin/sh\n' }],
      },
      {
        kind: 'parts',
        parts: [
          { item: { name: 'base', version: 3 } },
          { item: { name: 'more', version: null } },
          { type: 'text/x-shellscript', content: '#!/bin/sh\n', fileName: 'part-3', template: false },
        ],
      },
    ],
  ])('is taken as %j', (given, userData) => {
    expect(configurationDefaults.parse({ userData: given })).toEqual({ userData });
  });

  it.each([
    [''],
    [{ base64: '@' }],
    [{ parts: [] }],
    [{ parts: [{ item: 'a b' }] }],
    [{ parts: [{ type: 'text/html' }] }],
    ['\ud800'],
    ['a\0'],
  ])('%j is refused', (userData) => expect(Object.keys(faultsOf({ userData }))[0]).toMatch(/^userData/));
});
