import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import { demoImageFiles } from '../../apps/quickstart/src/demo-image.js';
import { firstByteNotZero } from '../../apps/quickstart/src/disk-evidence.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { factsWith } from '../e2e/facts.js';
import { importFile, install, proveInstalled } from '../e2e/installation-cases.js';
import { RackUnderTest } from '../e2e/rack-under-test.js';
import { bootEntriesOf } from './boot-entries.js';
import { makeFileSystemImage } from './file-system-image.js';

const deleteMs = 600_000;

const overwritten = {
  ...instanceType,
  name: 'rack-overwritten',
  localGb: 3,
  rootSizeMib: 1536,
  swapSizeMib: 128,
  kdumpSizeMib: 0,
  wipeMode: 'overwrite' as const,
};

const machines = [
  { name: 'm1', firmware: 'bios', disks: ['sata:3G'], disk: /^sd/ },
  { name: 'm2', firmware: 'uefi', disks: ['nvme:3G'], disk: /^nvme/ },
] as const;

describe.sequential('roots on XFS and Btrfs', () => {
  let site: RackUnderTest;
  let dir: string;
  const instances = new Map<string, InstanceView>();

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'file-systems-'));
    site = await RackUnderTest.raise(
      'file-systems',
      machines.map(({ firmware, disks }) => ({ firmware, disks: [...disks] })),
    );
    await site.client.createInstanceType(overwritten);
    for (const { name } of machines)
      await site.client.updateMachine(name, { instanceType: overwritten.name });
  });
  afterAll(async () => {
    await site?.down();
    await rm(dir, { recursive: true });
  });

  const everyInstance = async () => {
    const all: InstanceView[] = [];
    for await (const instance of site.client.listInstances({ deleted: false })) all.push(instance);
    return all;
  };
  const fact = factsWith(async () => site.evidence(await everyInstance()));

  fact('images of them are taken in', async () => {
    const tarball = path.join(site.demoImageDir, demoImageFiles.tarball);
    for (const type of ['xfs', 'btrfs'] as const) {
      const image = await importFile(site, type, await makeFileSystemImage(type, { tarball, dir }));
      expect(image).toMatchObject({
        kind: 'file_system',
        fileSystem: type,
        description: { os: { id: 'debian' }, installableBootModes: ['bios', 'uefi'] },
      });
    }
  });

  const installAndProve = async (
    { name, firmware, disk }: (typeof machines)[number],
    form: 'xfs' | 'btrfs',
  ) => {
    const { rootSizeMib, name: type } = overwritten;
    const present = instances.get(name);
    instances.set(name, await install(site, { machine: name, form, instanceType: type, present }));
    await proveInstalled(site, name, { form, firmware, disk, rootSizeMib });
  };

  const proveOneEntryBehindNetwork = async () => {
    const { all, order } = await bootEntriesOf(site.rack.machine('m2'));
    expect(all.filter((label) => label === 'dodai')).toHaveLength(1);
    expect(order.filter((label) => label === 'dodai')).toHaveLength(1);
    const network = order.findLastIndex((label) => /PXE|HTTP/.test(label));
    expect(network).toBeGreaterThanOrEqual(0);
    expect(order.indexOf('dodai')).toBeGreaterThan(network);
  };

  fact('XFS is installed with BIOS and Btrfs with UEFI, side by side; each fills its partition', async () => {
    await Promise.all([installAndProve(machines[0], 'xfs'), installAndProve(machines[1], 'btrfs')]);
    await proveOneEntryBehindNetwork();
  });

  fact(
    'XFS is installed over Btrfs with UEFI, and the firmware still has one entry for the disk',
    async () => {
      await installAndProve(machines[1], 'xfs');
      await proveOneEntryBehindNetwork();
    },
  );

  fact('destroy overwrites the disks, and tells what it read back', async () => {
    const given = [...instances.values()];
    await Promise.all(given.map(({ id }) => site.client.destroy(id)));
    const ended = await Promise.all(given.map(({ id }) => site.until('deleted', id, deleteMs)));
    expect(ended.map(({ state }) => state)).toEqual(['deleted', 'deleted']);
    for (const { name } of machines) {
      const { lastWipe } = await site.client.machine(name);
      expect(lastWipe?.instanceId).toBe(instances.get(name)?.id);
      expect(lastWipe?.disks).toMatchObject([
        {
          method: 'overwrite',
          command: expect.stringMatching(/^blkdiscard --zeroout \/dev\//) as string,
          readBack: { held: { zeros: 17, ones: 0, other: 0 }, marked: true },
        },
      ]);
      expect(await firstByteNotZero(site.rack.machine(name).diskPaths[0] ?? '')).toBeUndefined();
    }
  });

  fact('the entry of the OS is gone from the firmware, and nothing else', async () => {
    const { all, order } = await bootEntriesOf(site.rack.machine('m2'));
    expect(all).not.toContain('dodai');
    expect(order).toEqual(expect.arrayContaining(all));
    expect(order).toHaveLength(all.length);
  });
});
