import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import type { DiskLayout, LayoutVolume } from '#core';
import { demoImage } from '../../apps/quickstart/src/demo-image.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { partitionsOf } from '../e2e/disk-layout.js';
import { factsWith } from '../e2e/facts.js';
import { RackUnderTest } from '../e2e/rack-under-test.js';
import { bootEntriesOf } from './boot-entries.js';
import { marksOn } from './disk-marks.js';

const { name: image, defaultUser } = demoImage('');
const installMs = 1_100_000;
const bootMs = 400_000;
const deleteMs = 600_000;

const volumes: LayoutVolume[] = [
  { use: 'root', sizeMib: 2560 },
  { use: 'swap', sizeMib: 256 },
  { use: 'data', mountPoint: '/srv', sizeMib: 'rest', fileSystem: 'xfs', encrypted: true },
];

interface Case {
  machine: string;
  firmware: string;
  first: string;
  layout: DiskLayout;
  volumeTypes: string;
  marks: string[];
}

const encrypted = ['encrypted volume', 'second header of an encrypted volume'];

/** Two mirrored disks each: with BIOS in plain partitions, with UEFI in a volume group. */
const cases: Case[] = [
  {
    machine: 'm1',
    firmware: 'bios',
    first: 'EF02 bios-boot',
    layout: { raid1: true, partitions: volumes },
    volumeTypes: 'raid1 raid1 raid1 crypt',
    marks: ['array', ...encrypted],
  },
  {
    machine: 'm2',
    firmware: 'uefi',
    first: 'EF00 esp',
    layout: { raid1: true, partitions: [{ use: 'lvm', sizeMib: 'rest', volumes }] },
    volumeTypes: 'raid1 lvm lvm lvm crypt',
    marks: ['array', ...encrypted, 'volume group'],
  },
];

describe.sequential('disk layouts', () => {
  let site: RackUnderTest;
  let instances: InstanceView[] = [];

  beforeAll(async () => {
    site = await RackUnderTest.raise(
      'layouts',
      cases.map(({ firmware }) => ({ firmware, disks: ['sata:6G', 'sata:6G'] })),
    );
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence(instances));

  const on = (machine: string, command: string) =>
    site.owner.run(site.rack, defaultUser, site.rack.machine(machine).ip, command);

  const switchOff = async (machine: string) => {
    await site.client.power(machine, 'soft');
    await expect.poll(() => site.rack.powerState(machine), { timeout: bootMs, interval: 1000 }).toBe('off');
  };

  fact('machines are installed on two disks each', async () => {
    for (const { machine, layout } of cases) {
      const name = `mirrored-${machine}`;
      const type = { ...instanceType, name, localGb: 6, diskLayout: layout, wipeMode: 'quick' as const };
      await site.client.createInstanceType(type);
      await site.client.updateMachine(machine, { instanceType: name });
    }
    const spawned = cases.map(({ machine }) =>
      site.client.spawn({
        hostName: `host-${machine}`,
        machine,
        image,
        instanceType: `mirrored-${machine}`,
        sshKeys: [site.owner.publicKey],
      }),
    );
    instances = await Promise.all(spawned);
    instances = await Promise.all(instances.map(({ id }) => site.until('installed', id, installMs)));
    expect(instances.map(({ state }) => state)).toEqual(['active', 'active']);
  });

  fact('both disks have the same partitions', async () => {
    for (const { machine, first, layout } of cases) {
      const [one = '', other = ''] = site.rack.machine(machine).diskPaths;
      const partitions = await partitionsOf(one);
      expect(partitions).toHaveLength(1 + layout.partitions.length);
      expect(partitions.map(({ name, type }) => `${type} ${name}`)[0]).toBe(first);
      expect(partitions.slice(1).every(({ type }) => type === 'FD00')).toBe(true);
      expect(await partitionsOf(other)).toEqual(partitions);
    }
  });

  fact('the OS has root, swap, and data that is encrypted with a key of its own', async () => {
    for (const { machine, volumeTypes } of cases) {
      const types = await on(
        machine,
        "lsblk --noheadings --raw --output TYPE /dev/sda | grep -v 'disk\\|part' | sort | xargs",
      );
      expect(types.split(' ')).toEqual(volumeTypes.split(' ').sort());
      expect(await on(machine, 'findmnt --noheadings --output FSTYPE,SOURCE /srv')).toMatch(
        /^xfs +\/dev\/mapper\/srv_crypt$/,
      );
      expect(await on(machine, 'tail -n 1 /proc/swaps')).toMatch(/^\/dev\/(md|dm-)/);
      expect(await on(machine, 'sudo stat --format "%a %U %s" /etc/dodai/keys/srv')).toBe('600 root 64');
      expect(await on(machine, 'grep -c "\\[UU\\]" /proc/mdstat')).toMatch(/^[13]$/);
    }
  });

  fact('the firmware has an entry for each of the disks, behind the network', async () => {
    const { order } = await bootEntriesOf(site.rack.machine('m2'));
    const named = (pattern: RegExp) => order.filter((label) => pattern.test(label));
    expect(named(/^dodai$/)).toHaveLength(2);
    expect(named(/PXE|HTTP|^dodai$/)).toEqual([...named(/PXE|HTTP/), 'dodai', 'dodai']);
  });

  fact('with the first disk pulled they start from the other, with what was written', async () => {
    for (const { machine } of cases) {
      await on(machine, 'echo kept | sudo tee /srv/kept /root/kept && sync');
      await switchOff(machine);
      await site.rack.pullDisk(machine, 0);
      const before = (await site.rack.serialLog(machine)).length;
      await site.client.power(machine, 'on');
      await site.waitForLogin(machine, `host-${machine}`, bootMs, before);
      expect(await on(machine, 'sudo cat /srv/kept /root/kept')).toBe('kept\nkept');
      expect(await on(machine, 'grep -c "\\[_U\\]\\|\\[U_\\]" /proc/mdstat')).toMatch(/^[13]$/);
    }
  });

  fact('destroy with wipe mode quick takes everything apart, on the disk that came back too', async () => {
    const disks = (machine: string) => Promise.all(site.rack.machine(machine).diskPaths.map(marksOn));
    for (const { machine, marks } of cases) {
      await switchOff(machine);
      await site.rack.putDisksBack(machine);
      expect(await disks(machine)).toEqual([marks, marks]);
    }
    await Promise.all(instances.map(({ id }) => site.client.destroy(id)));
    const ended = await Promise.all(instances.map(({ id }) => site.until('deleted', id, deleteMs)));
    expect(ended.map(({ state }) => state)).toEqual(['deleted', 'deleted']);
    for (const { machine } of cases) {
      expect(await disks(machine)).toEqual([[], []]);
      for (const disk of site.rack.machine(machine).diskPaths) expect(await partitionsOf(disk)).toEqual([]);
    }
    expect((await bootEntriesOf(site.rack.machine('m2'))).all).not.toContain('dodai');
  });
});
