import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import { demoImage } from '../../apps/quickstart/src/demo-image.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { factsWith } from './facts.js';
import { importForm, install, proveInstalled } from './installation-cases.js';
import { RackUnderTest } from './rack-under-test.js';

const { defaultUser } = demoImage('');
const bootMs = 400_000;
const stopMs = 120_000;

const mirrored = {
  ...instanceType,
  name: 'rack-mirrored',
  swapSizeMib: 0,
  kdumpSizeMib: 0,
  diskLayout: {
    raid1: true,
    partitions: [
      { use: 'root' as const, sizeMib: instanceType.rootSizeMib },
      { use: 'swap' as const, sizeMib: 128 },
      { use: 'data' as const, mountPoint: '/srv', sizeMib: 'rest' as const },
    ],
  },
};

/** What the first machines are not: UEFI and NVMe, a whole disk and a tarball, Secure Boot and a mirror. */
const machines = [
  { firmware: 'uefi-secure', disks: ['nvme:6G'] },
  { firmware: 'uefi', disks: ['sata:6G', 'sata:6G'], nic: 'e1000e' },
];

describe.sequential('machines and images of the other kinds', () => {
  let site: RackUnderTest;
  let instances: InstanceView[] = [];

  beforeAll(async () => {
    site = await RackUnderTest.raise('e2e-kinds', machines);
    await site.client.createInstanceType(mirrored);
    await site.client.updateMachine('m2', { instanceType: mirrored.name });
    await importForm(site, 'disk');
    await importForm(site, 'tarball');
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence(instances));

  fact('are installed side by side', async () => {
    instances = await Promise.all([
      install(site, { machine: 'm1', form: 'disk' }),
      install(site, { machine: 'm2', form: 'tarball', instanceType: mirrored.name }),
    ]);
  });

  fact('a whole disk starts with Secure Boot from NVMe, and its root fills the disk', () =>
    proveInstalled(site, 'm1', { form: 'disk', firmware: 'uefi-secure', disk: /^nvme/ }),
  );

  fact('a tarball starts from the mirror that its instance type asks for', () =>
    proveInstalled(site, 'm2', { form: 'tarball', firmware: 'uefi', disk: /^md/ }),
  );

  fact('with one disk of the mirror pulled out the machine starts, and has lost nothing', async () => {
    const { ip } = site.rack.machine('m2');
    const login = (command: string) => site.owner.run(site.rack, defaultUser, ip, command);
    await login('echo kept | sudo tee /srv/kept && sync');
    const { id } = await site.client.instance(instances[1]?.id ?? '');
    await site.client.askInstance(id, 'stop', { hard: true });
    const state = async () => (await site.client.instance(id)).state;
    await expect.poll(state, { timeout: stopMs }).toBe('stopped');
    await site.rack.pullDisk('m2', 0);
    const shown = (await site.rack.serialLog('m2')).length;
    await site.client.askInstance(id, 'start');
    await site.waitForLogin('m2', 'host-m2', bootMs, shown);
    expect(await login('cat /srv/kept; lsblk --nodeps --noheadings --output NAME | grep --count ^sd')).toBe(
      'kept\n1',
    );
    expect(await login('cat /proc/mdstat')).toMatch(/\[2\/1\] \[_?U_?\]/);
  });
});
