import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import { demoImage } from '../../apps/quickstart/src/demo-image.js';
import { firstByteNotZero } from '../../apps/quickstart/src/disk-evidence.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { ext4In, isSwap, partitionsOf } from './disk-layout.js';
import { factsWith } from './facts.js';
import { RackUnderTest } from './rack-under-test.js';

const { name: image, defaultUser } = demoImage('');
const mib = 1024 ** 2;
const installMs = 900_000;
const deleteMs = 600_000;
const bootMs = 300_000;

/** Two machines that differ in everything the lab knows: disk bus, number of disks, network card. */
const machines = [
  { disks: ['virtio:6G'], nic: 'virtio' },
  { disks: ['sata:6G', 'sata:8G'], nic: 'e1000' },
];

describe.sequential('the first machine', () => {
  let site: RackUnderTest;
  let instances: InstanceView[] = [];
  /** For comparison: how long two machines take to be installed at the same time. */
  let installationMs = 0;

  beforeAll(async () => {
    site = await RackUnderTest.raise('e2e', machines);
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence(instances));

  const installed = () =>
    instances.map(({ id, hostName, machine }) => ({
      id,
      hostName,
      machine: site.rack.machine(machine?.name ?? 'none'),
    }));

  fact('machines with different disks and cards are installed at the same time', async () => {
    const beganMs = performance.now();
    const spawned = site.rack.machines.map(({ name }) =>
      site.client.spawn({
        hostName: `host-${name}`,
        machine: name,
        image,
        instanceType: instanceType.name,
        sshKeys: [site.owner.publicKey],
      }),
    );
    instances = await Promise.all(spawned);
    instances = await Promise.all(instances.map(({ id }) => site.until('installed', id, installMs)));
    installationMs = performance.now() - beganMs;
    expect(instances.map(({ state }) => state)).toEqual(['active', 'active']);
  });

  fact(
    'the serial console shows boot loader, live image and the login prompt of the installed OS',
    async () => {
      for (const { hostName, machine } of installed()) {
        await site.waitForLogin(machine.name, hostName, bootMs);
        const shown = await site.rack.serialLog(machine);
        expect(shown).toMatch(/PXELINUX/);
        expect(shown).toMatch(/live image, kernel/);
        expect(shown).toMatch(/Debian GNU\/Linux 12/);
      }
    },
  );

  fact(
    'the disk has the five partitions and the one of the config drive, the root file system fills its own, swap is swap',
    async () => {
      for (const { machine } of installed()) {
        const [disk = ''] = machine.diskPaths;
        const partitions = await partitionsOf(disk);
        expect(partitions.map(({ name, type }) => `${type} ${name}`)).toEqual([
          'EF02 bios-boot',
          '8300 root',
          '8200 swap',
          '8300 kdump',
          '8300 ephemeral',
          '8300 config-2',
        ]);
        const [bios, root, swap] = partitions;
        expect(bios?.sizeBytes).toBe(5 * mib);
        expect(root?.sizeBytes).toBe(instanceType.rootSizeMib * mib);
        expect(swap?.sizeBytes).toBe(instanceType.swapSizeMib * mib);
        expect((await ext4In(disk, root!)).sizeBytes).toBe(root?.sizeBytes);
        expect(await isSwap(disk, swap!)).toBe(true);
      }
    },
  );

  fact('the disk that was not chosen is untouched', async () => {
    expect(await firstByteNotZero(site.rack.machine('m2').diskPaths[1] ?? '')).toBeUndefined();
  });

  fact('the owner logs in with the key of the spawn, and nobody else does', async () => {
    const stranger = await site.stranger();
    for (const { hostName, machine } of installed()) {
      const said = await site.owner.run(
        site.rack,
        defaultUser,
        machine.ip,
        'hostname; tail -n 1 /proc/swaps',
      );
      expect(said).toMatch(new RegExp(`^${hostName}\n/dev/`));
      await expect(stranger.run(site.rack, defaultUser, machine.ip, 'true')).rejects.toThrow(
        /Permission denied/,
      );
    }
  });

  fact('the BMC itself says that the machine is on', async () => {
    for (const { machine } of installed()) {
      expect(site.rack.powerState(machine)).toBe('on');
      expect(await site.bmcPower(machine.name)).toBe('Chassis Power is on');
    }
  });

  fact('a reset starts the installed OS again and installs nothing', async () => {
    const { id, hostName, machine } = installed()[0]!;
    const login = (command: string) => site.owner.run(site.rack, defaultUser, machine.ip, command);
    await login('echo kept > kept && sync');
    const consoleBefore = (await site.rack.serialLog(machine)).length;
    await site.client.power(machine.name, 'reset');
    await site.waitForLogin(machine.name, hostName, bootMs, consoleBefore);
    const consoleSince = (await site.rack.serialLog(machine)).slice(consoleBefore);
    expect(consoleSince).toMatch(/PXELINUX/);
    expect(consoleSince).not.toMatch(/live image, kernel/);
    expect(await login('cat kept')).toBe('kept');
    expect((await site.client.instance(id)).state).toBe('active');
  });

  fact(
    'the timeline tells of DHCP, TFTP, HTTP, the words of the installer and the commands to the BMC',
    async () => {
      for (const { id } of installed()) {
        const kinds = [...(await site.eventKinds(id))].join(' ');
        for (const kind of [/\bdhcp\./, /\btftp\./, /\bhttp\./, /\bnotify\./, /\bbmc\.command\b/])
          expect(kinds).toMatch(kind);
      }
    },
  );

  fact('the timeline has what the live image said on the serial console', async () => {
    for (const { id, machine } of installed()) {
      const { text } = await site.client.console(machine.name, id);
      expect(text).toMatch(/live image, kernel/);
    }
  });

  fact('destroy leaves zeros on every disk, the machine off and back in the pool', async () => {
    const given = installed();
    await Promise.all(given.map(({ id }) => site.client.destroy(id)));
    await Promise.all(given.map(({ id }) => site.until('deleted', id, deleteMs)));
    for (const { machine } of given) {
      const { state, instanceId } = await site.client.machine(machine.name);
      expect({ state, instanceId }).toEqual({ state: 'inactive', instanceId: null });
      expect(site.rack.powerState(machine)).toBe('off');
      for (const disk of machine.diskPaths) expect(await firstByteNotZero(disk)).toBeUndefined();
    }
  });

  fact('a machine that is installed for the pool lets nobody in', async () => {
    const machine = site.rack.machine('m1');
    const wish = { hostName: 'pool-m1', machine: machine.name, image, instanceType: instanceType.name };
    const { id } = await site.client.spawn(wish);
    instances = [await site.until('installed', id, installMs)];
    expect(instances).toMatchObject([{ state: 'active', pooled: true }]);
    await site.waitForLogin(machine.name, 'pool-m1', bootMs);
    await expect(site.owner.run(site.rack, defaultUser, machine.ip, 'true')).rejects.toThrow(
      /Permission denied/,
    );
  });

  fact('the next owner has it within seconds, with their name, key and user data inside', async () => {
    const machine = site.rack.machine('m1');
    const next = await site.stranger();
    const consoleBefore = (await site.rack.serialLog(machine)).length;
    const beganMs = performance.now();
    const { id } = await site.client.spawn({
      hostName: 'web1.example.org',
      image,
      instanceType: instanceType.name,
      cluster: 'blue',
      sshKeys: [next.publicKey],
      userData: '#!/bin/sh\nprintf "%s has an owner\\n" "$(hostname)" >/srv/first-words\n',
    });
    const [pool] = instances;
    instances = [await site.until('installed', id, installMs)];
    const handOverMs = performance.now() - beganMs;
    const login = (command: string) => next.run(site.rack, defaultUser, machine.ip, command);
    const said = await login('hostname; getent hosts web1.example.org; cat /srv/first-words');
    const seconds = [handOverMs, performance.now() - beganMs, installationMs].map((ms) =>
      (ms / 1000).toFixed(1),
    );
    console.log(`hand-over: ${seconds[0]} s, first login: ${seconds[1]} s, installation: ${seconds[2]} s`);
    expect(said).toMatch(/^web1\.example\.org\n127\.0\.1\.1 .*\nweb1\.example\.org has an owner$/);
    expect(instances).toMatchObject([{ state: 'active', cluster: 'blue', reusedInstanceId: pool?.id }]);
    expect((await site.client.machine(machine.name)).state).toBe('used');
    await expect(site.owner.run(site.rack, defaultUser, machine.ip, 'true')).rejects.toThrow(
      /Permission denied/,
    );
    const consoleSince = (await site.rack.serialLog(machine)).slice(consoleBefore);
    expect(consoleSince).toMatch(/this machine is now web1\.example\.org/);
    expect(consoleSince).not.toMatch(/PXELINUX|live image, kernel/);
    expect(
      await login('sudo find /etc/dodai /etc/systemd/system -name "*await-owner*" -o -name "hand-over*"'),
    ).toBe('');
  });
});
