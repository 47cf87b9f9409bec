import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ImageInstall, Machine, NetworkConfiguration } from '#core';
import { networkConfig, resolvedNetwork } from '#metadata';
import { bondedNetwork, describedInstance } from '#testing';
import { askCloudInit } from '../support/cloud-init-reader.js';
import { TestEngine } from '../support/engine.js';
import { cardsOf, instanceMatrix } from '../support/instance-matrix.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

let postgres: TestPostgres;
let engine: TestEngine;
let machine: Machine;

const asker = { kind: 'token', name: 'eve' } as const;
const live: ImageInstall = {
  method: 'live',
  kernel: 'vmlinuz',
  initrd: 'initrd.img',
  kernelArguments:
    'boot=live fetch={{ treeUrl }}/filesystem.squashfs ds=nocloud-net;s={{ metadataUrl }}/nocloud/',
  completion: 'notify',
};

beforeAll(async () => {
  postgres = await startPostgres();
  engine = await TestEngine.start(await postgres.database());
  await engine.addImage('memory', { kind: 'tarball', install: live });
  const [, storage, one, two] = describedInstance().nics;
  const cards = { storageMac: storage?.mac, serviceMac1: one?.mac, serviceMac2: two?.mac };
  machine = await engine.verbs.change((await engine.inactiveMachine('m1', 1)).id, cards, asker);
});
afterAll(async () => {
  await engine.stop();
  await postgres.stop();
});

const spawn = (network?: NetworkConfiguration) =>
  engine.spawn(machine, 'blue', undefined, { image: 'memory', network });
/** What the kernel of an OS with this network is told. */
const wordsOf = async (network: NetworkConfiguration | null) => {
  const { configuration } = describedInstance({ network });
  const [image, type] = await Promise.all([engine.images.find('memory'), engine.types.get('small')]);
  const instance = { ...describedInstance(), configuration };
  const [shown] = await engine.methods.get('live').preview({ machine, instance, type, image });
  return shown?.text ?? '';
};
const { links, addresses } = bondedNetwork;
const dns = { servers: [], searchDomains: [] };

describe('is refused before a machine is switched on', () => {
  const refusals: [string, NetworkConfiguration, string, RegExp][] = [
    [
      'a bond of the card that it boots from',
      {
        links: [
          { id: 'a', type: 'phy', nic: 'pxe' },
          { id: 'b0', type: 'bond', members: ['a'], mode: '802.3ad', miimonMs: 100 },
        ],
        addresses: [{ type: 'dhcp4', link: 'b0' }],
        dns,
      },
      'network.links.0',
      /^network\.links\.0: m1 runs in memory what it fetches by its card a, which b0 cannot be made of then\.$/,
    ],
    [
      'a VLAN on that card',
      {
        links: [
          { id: 'v', type: 'vlan', link: 'a', vlanId: 7 },
          { id: 'a', type: 'phy', mac: '52:54:00:00:00:01' },
        ],
        addresses: [{ type: 'dhcp4', link: 'v' }],
        dns,
      },
      'network.links.1',
      /card a, which v cannot be made of/,
    ],
    [
      'no address at all',
      { links: [{ id: 'a', type: 'phy', nic: 'pxe' }], addresses: [], dns },
      'network.addresses',
      /^network\.addresses: m1 would run in memory without any address/,
    ],
  ];

  it.each(refusals)('%s', async (_, network, field, message) => {
    await expect(spawn(network)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(message) as string,
      context: { field },
    });
    expect(engine.orders).toEqual([]);
  });

  it('what the kernel would cut off: with the network, or without it', async () => {
    await engine.types.update('small', { kernelArguments: 'y'.repeat(1000) });
    const routes = Array.from({ length: 50 }, (_one, number) => ({
      to: `10.${(number * 37) % 256}.${(number * 101) % 256}.0/24`,
      via: `192.168.120.${number + 10}`,
    }));
    const [first, ...others] = addresses;
    const network = { links, addresses: [{ ...first, routes }, ...others] as typeof addresses, dns };
    await expect(spawn(network)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^network: the kernel command line has \d{4} bytes with the network in it, and a kernel takes 2047\.$/,
      ) as string,
      context: { field: 'network' },
    });
    const install = { ...live, kernelArguments: `${live.kernelArguments} ${'x'.repeat(900)}` };
    await engine.addImage('wordy', { kind: 'tarball', install });
    await expect(engine.spawn(machine, 'blue', undefined, { image: 'wordy' })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^image: the kernel command line has \d{4} bytes, and a kernel takes 2047\.$/,
      ) as string,
      remedy: 'Shorten the kernel arguments of the image wordy or of the type small.',
      context: { field: 'image' },
    });
    await engine.types.update('small', { kernelArguments: null });
  });
});

describe('the network of an OS in memory', () => {
  const withNetwork = Object.entries(instanceMatrix).filter(
    ([, each]) => each.instance.configuration.network,
  );

  it.each(withNetwork)(
    'is what cloud-init reads from the kernel command line: %s',
    async (_, { instance }) => {
      const macs = cardsOf(instance);
      const words = await wordsOf(instance.configuration.network);
      const read = await askCloudInit({ source: 'command-line', words, macs });
      const config: unknown = parse(networkConfig(resolvedNetwork(instance)));
      expect(read).toEqual(await askCloudInit({ source: 'network', config, macs }));
      expect(read).toMatchObject({ warnings: [], network: { config } });
    },
  );

  it('is one word, the same each time, and none where nobody asked for a network', async () => {
    const words = await wordsOf(bondedNetwork);
    expect(words).toMatch(/ network-config=[A-Za-z0-9+/]+=*\n$/);
    expect(await wordsOf(bondedNetwork)).toBe(words);
    expect(await wordsOf(null)).not.toContain('network-config');
  });

  it('goes to the machine at every start', async () => {
    const instance = await spawn(bondedNetwork);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'starting' && awaits !== null);
    const { arguments: given } = (await engine.netbooting.decide(machine.pxeMac)) as { arguments: string[] };
    await engine.say(instance.id, 'installed');
    await engine.until(machine.id, ({ state }) => state === 'used');
    expect(await engine.netbooting.decide(machine.pxeMac)).toHaveProperty('arguments', given);
    expect(`${given.at(-1)}\n`).toBe((await wordsOf(bondedNetwork)).split(' ').at(-1));
  });
});
