import type { NetworkConfiguration } from '#core';
import { execa } from 'execa';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestNetwork, TemplateRenderer } from './index.js';
import { createContext } from './sample-contexts.js';

const renderer = new TemplateRenderer(fileURLToPath(new URL('../../../templates', import.meta.url)));

const nics = [
  { role: 'pxe' as const, mac: '52:54:00:00:00:01' },
  { role: 'service1' as const, mac: '52:54:01:00:00:01' },
  { role: 'service2' as const, mac: '52:54:02:00:00:01' },
];

/** Everything that a network can have. */
const rich: NetworkConfiguration = {
  links: [
    { id: 'tenant', type: 'vlan', link: 'bond0', vlanId: 100, mtu: 1500 },
    { id: 'bond0', type: 'bond', members: ['service1', 'eth7'], mode: '802.3ad', miimonMs: 50, mtu: 9000 },
    { id: 'service1', type: 'phy', nic: 'service1' },
    { id: 'eth7', type: 'phy', mac: '52:54:02:00:00:01' },
  ],
  addresses: [
    { type: 'static', link: 'bond0', address: '10.1.0.5/24', gateway: '10.1.0.1' },
    { type: 'static', link: 'bond0', address: '10.1.0.6/24' },
    { type: 'static', link: 'bond0', address: 'fd00:1::5/64', gateway: 'fd00:1::1' },
    { type: 'slaac', link: 'bond0' },
    {
      type: 'static',
      link: 'tenant',
      address: '10.100.0.5/24',
      routes: [
        { to: '10.2.0.0/16', via: '10.100.0.1' },
        { to: '10.3.0.0/16', via: '10.100.0.1' },
      ],
    },
    { type: 'dhcp6', link: 'tenant' },
  ],
  dns: { servers: ['10.1.0.2', 'fd00:1::2'], searchDomains: ['example.org', 'example.net'] },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-network-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What create.sh writes into an OS that has these files, each file below its name. */
async function written(network: NetworkConfiguration | null, has: string[]): Promise<string> {
  const root = await mkdtemp(join(folder, 'root-'));
  for (const file of has) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '#!/bin/sh\n');
    await chmod(join(root, file), 0o755);
  }
  const metadataUrl = 'http://169.254.169.254';
  const script = await renderer.render('create.sh', {
    ...createContext,
    network: guestNetwork({ network, nics, metadataUrl }),
  });
  const functions = script.slice(0, script.indexOf('\nstart_steps install'));
  await execa('bash', ['-s', root], {
    input: `${functions}
      TARGET=$1
      has_program() { [[ -e $TARGET/usr/sbin/$1 ]]; }
      in_target() { :; }
      configure_network
      rm -r "$WORK_DIR"`,
  });
  const { stdout } = await execa('find', [root, '-type', 'f', '-size', '+10c', '-printf', '%m %P\n']);
  const files = stdout.split('\n').sort((a, b) => (a.slice(4) < b.slice(4) ? -1 : 1));
  const texts = files.map(async (line) => `==> /${line.slice(4)} (${line.slice(0, 3)})\n${await readFile(join(root, line.slice(4)), 'utf8')}`);
  return (await Promise.all(texts)).join('\n');
}

const managers = {
  netplan: ['usr/sbin/netplan'],
  ifupdown: ['usr/sbin/ifup', 'etc/network/if-up.d/x'],
  networkd: ['usr/lib/systemd/systemd-networkd'],
  'network-manager': ['usr/sbin/NetworkManager'],
  ifcfg: ['usr/sbin/ifup', 'etc/sysconfig/network-scripts/x'],
};

describe.each(Object.entries(managers))('the network of an OS with %s', (name, has) => {
  it('that nobody asked for is DHCP on the card that the machine boots from', async () => {
    await expect(await written(null, has)).toMatchFileSnapshot(`golden/network/${name}-default.txt`);
  });

  it('has everything that its owner can ask for', async () => {
    await expect(await written(rich, has)).toMatchFileSnapshot(`golden/network/${name}-rich.txt`);
  });
});
