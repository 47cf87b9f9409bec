import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DescribedInstance,
  documentsOf,
  folder,
  jsonDocument,
  networkConfig,
  networkData,
  noCloudFolder,
  resolvedNetwork,
} from '#metadata';
import { bondedNetwork, describedInstance } from '#testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { askCloudInit, type Understood } from '../support/cloud-init-reader.js';
import { cardsOf, instanceMatrix } from '../support/instance-matrix.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-metadata-network-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** As cloud-init reads it from a drive, from network_data.json alone; and from network config version 2. */
const readers: Record<string, (instance: DescribedInstance) => Promise<Understood>> = {
  'network_data.json': async (instance) => {
    const latest = join(directory, 'openstack/latest');
    await mkdir(latest, { recursive: true });
    const metaData = { uuid: instance.id, hostname: instance.hostName };
    await writeFile(join(latest, 'meta_data.json'), JSON.stringify(metaData));
    const network = JSON.stringify(networkData(resolvedNetwork(instance)));
    await writeFile(join(latest, 'network_data.json'), network);
    return askCloudInit({ source: 'config-drive', folder: directory, macs: cardsOf(instance) });
  },
  'network config version 2': (instance) =>
    askCloudInit({
      source: 'network',
      config: parse(networkConfig(resolvedNetwork(instance))),
      macs: cardsOf(instance),
    }),
};

type Netplan = { network: Record<string, Record<string, Record<string, unknown>> | number> };
const netplanOf = ({ network }: Understood) =>
  (parse(network?.netplan['etc/netplan/50-cloud-init.yaml'] ?? '') as Netplan).network;

const rendererTexts = ({ network }: Understood) =>
  (['eni', 'netplan', 'networkd', 'networkManager', 'sysconfig'] as const).map((name) => ({
    name,
    text: Object.values(network?.[name] ?? {}).join('\n'),
  }));

describe.each(Object.entries(readers))('%s', (form, read) => {
  it.each(Object.entries(instanceMatrix))(
    'is written by every renderer of cloud-init without a warning for an instance %s',
    async (_, { instance }) => {
      const understood = await read(instance);
      expect(understood.warnings).toEqual([]);
      const { addresses, dns } = resolvedNetwork(instance);
      const fixed = addresses.filter((address) => address.type === 'static');
      const wanted = [
        ...fixed.map(({ address }) => address),
        ...fixed.flatMap(({ routes }) => routes.map(({ via }) => via)),
      ];
      const resolvers = [...dns.servers, ...dns.searchDomains];
      for (const { name, text } of rendererTexts(understood)) {
        // For NetworkManager, cloud-init 22.4 leaves out name servers that stand at no link.
        const left = name === 'networkManager' && form === 'network_data.json' ? [] : resolvers;
        for (const word of [...wanted, ...left]) expect(text, name).toContain(word);
        // What becomes of a default route that lost its prefix.
        expect(text, name).not.toMatch(/(?<![0-9a-f:])::\/64/);
      }
    },
  );

  it('gives a VLAN on a bond its members, numbers, addresses, routes and name servers', async () => {
    const understood = await read(describedInstance({ network: bondedNetwork }));
    const { bonds, vlans, ethernets } = netplanOf(understood);
    expect(bonds).toMatchObject({
      bond0: { mtu: 9000, parameters: { mode: '802.3ad', 'mii-monitor-interval': 100 } },
    });
    expect(vlans).toMatchObject({
      'bond0.120': {
        id: 120,
        link: 'bond0',
        addresses: ['192.168.120.5/22', '2001:db8:120::5/64'],
        'accept-ra': false,
        nameservers: {
          addresses: ['192.168.120.53', '2001:db8::53'],
          search: ['example.org', 'example.net'],
        },
      },
    });
    expect(vlans).toHaveProperty(
      ['bond0.120', 'routes'],
      expect.arrayContaining([
        { to: '0.0.0.0/0', via: '192.168.123.254' },
        { to: '10.2.0.0/16', via: '192.168.123.253' },
      ]),
    );
    const boot = Object.values(ethernets as object).find(({ dhcp4 }: { dhcp4?: boolean }) => dhcp4);
    expect(boot).toMatchObject({ match: { macaddress: '52:54:00:00:00:01' } });
  });

  it('puts the cards of a bond into it by the names that they have then', async () => {
    const { network } = await read(describedInstance({ network: bondedNetwork }));
    const sysconfig = Object.values(network?.sysconfig ?? {}).join('\n');
    const [, one = ''] = /HWADDR=52:54:00:00:00:03[\s\S]*?MASTER=(\S+)/.exec(sysconfig) ?? [];
    expect(one).toBe('bond0');
    for (const number of [0, 1]) {
      const [, member = '?'] = new RegExp(`BONDING_SLAVE${number}=(\\S+)`).exec(sysconfig) ?? [];
      expect(sysconfig).toContain(`DEVICE=${member}\nHWADDR=52:54:00:00:00:0${3 + number}`);
    }
  });
});

it('a network with a card that the machine does not have is what cloud-init refuses', async () => {
  const instance = describedInstance({ network: bondedNetwork });
  const tree = folder({
    'meta_data.json': jsonDocument({ uuid: instance.id, hostname: 'x' }),
    'network_data.json': jsonDocument(networkData(resolvedNetwork(instance))),
  });
  await writeFolder(documentsOf(folder({ openstack: folder({ latest: tree }) })));
  const macs = { '52:54:00:00:00:01': 'eno1' };
  await expect(askCloudInit({ source: 'config-drive', folder: directory, macs })).rejects.toThrow(
    'Unable to find a system nic',
  );
});

it.each(Object.entries(instanceMatrix))(
  'NoCloud tells cloud-init all of an instance %s',
  async (_, { instance, data }) => {
    await writeFolder(documentsOf(noCloudFolder(instance, data)));
    const understood = await askCloudInit({ source: 'nocloud', folder: directory, macs: cardsOf(instance) });
    expect(understood).toMatchObject({
      warnings: [],
      instanceId: instance.id,
      hostName: instance.hostName,
      keys: instance.configuration.sshKeys,
      userData: data.userData?.toString('base64') ?? '',
      vendorData: data.vendorData?.toString('base64') ?? '',
      metadata: { meta: instance.configuration.metadata },
      network: { config: parse(networkConfig(resolvedNetwork(instance))) as unknown },
    });
  },
);

async function writeFolder(documents: ReturnType<typeof documentsOf>): Promise<void> {
  for (const [path, { content }] of documents) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}
