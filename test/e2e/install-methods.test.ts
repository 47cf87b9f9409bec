import path from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceCreateInput, InstanceView } from '#contract';
import { demoImage, demoImageFiles } from '../../apps/quickstart/src/demo-image.js';
import { instanceType } from '../../apps/quickstart/src/inventory.js';
import { writeAppliance } from './appliance.js';
import { cloudInitFaults, proveServiceNetwork, serviceNetwork } from './configured-os.js';
import { factsWith } from './facts.js';
import { importForm, proveInstalled } from './installation-cases.js';
import { RackUnderTest } from './rack-under-test.js';

const { defaultUser } = demoImage('');
const installMs = 1_200_000;
const bootMs = 600_000;

/** For every kernel that is started here: installer, installed OS, and one that runs in memory. */
const kernelArguments = 'console=tty0 console=ttyS0,115200n8 rack=e2e-methods';
/** Every byte that is written is read again and compared with the digests that the method `image` writes by. */
const careful = { ...instanceType, name: 'rack-careful', readBack: 'full' as const, kernelArguments };
/** Its kernels are told almost as much as they take. */
const filler = `filler=${'x'.repeat(700)}`;
const diskless = {
  ...instanceType,
  name: 'rack-diskless',
  localGb: 0,
  kernelArguments: `${kernelArguments} ${filler}`,
};

/** One for each method that the other racks do not show. */
const machines = [{}, { firmware: 'uefi' as const, disks: [], memoryMiB: 2048, serviceNics: 2 }, {}];

describe.sequential('machines are installed by', () => {
  let site: RackUnderTest;
  let instances: InstanceView[] = [];

  beforeAll(async () => {
    site = await RackUnderTest.raise('e2e-methods', machines);
    for (const type of [careful, diskless]) await site.client.createInstanceType(type);
    await site.client.updateMachine('m1', { instanceType: careful.name });
    await site.client.updateMachine('m2', { instanceType: diskless.name, localGb: 0 });
    const { id: disk } = await importForm(site, 'disk');
    const live = await site.importLiveImage();
    const appliance = await site.importDisk('appliance', {
      method: 'manual',
      instructions: 'Write the appliance to the disk of {{ machineName }}.',
      netboot: 'local',
      power: 'off',
      completion: 'ssh',
    });
    instances = await Promise.all([
      spawn('m1', { image: disk, instanceType: careful.name, installMethod: 'iscsi' }),
      spawn('m2', { image: live, instanceType: diskless.name, network: serviceNetwork(2) }),
      spawn('m3', { image: appliance, instanceType: instanceType.name }),
    ]);
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence(instances));
  const spawn = (
    machine: string,
    wish: Pick<InstanceCreateInput, 'image' | 'instanceType' | 'installMethod' | 'network'>,
  ) =>
    site.client.spawn({
      hostName: `host-${machine}`,
      machine,
      cluster: 'methods',
      sshKeys: [site.owner.publicKey],
      ...wish,
    });
  const login = (machine: string, command: string) =>
    site.owner.run(site.rack, defaultUser, site.rack.machine(machine).ip, command);
  /** Messages and data of the events of a kind. */
  const toldOf = async (instance: InstanceView | undefined, kind: string) => {
    const told: string[] = [];
    for await (const event of site.client.listEvents({ instanceId: instance?.id }))
      if (event.kind === kind) told.push(`${event.message} ${JSON.stringify(event.data)}`);
    return told.join('\n');
  };

  fact('the controller over iSCSI, the network alone, and a person', async () => {
    await operate('m3');
    instances = await Promise.all(instances.map(({ id }) => site.until('installed', id, installMs)));
    expect(instances.map(({ state, installMethod }) => `${state} ${installMethod}`)).toEqual([
      'active iscsi',
      'active live',
      'active manual',
    ]);
  });

  /** Plays the person: the machine is off, and its disk is written by other means than ours. */
  async function operate(machine: string): Promise<void> {
    const id = instances.find(({ hostName }) => hostName === `host-${machine}`)?.id ?? '';
    const called = () => toldOf(instances[2], 'operator.called');
    await expect
      .poll(called, { timeout: bootMs })
      .toContain(`Write the appliance to the disk of ${machine}.`);
    expect(site.rack.powerState(site.rack.machine(machine))).toBe('off');
    const [disk = ''] = site.rack.machine(machine).diskPaths;
    const image = path.join(site.demoImageDir, demoImageFiles.disk);
    await writeAppliance(image, disk);
    await site.client.askInstance(id, 'manual_done');
  }

  fact('iscsi: what the controller wrote is the image to the last byte, and is its owner’s', async () => {
    expect(await toldOf(instances[0], 'installer.log')).toMatch(/read back \(full\)/);
    await proveInstalled(site, 'm1', { form: 'disk', firmware: 'bios', disk: /^vd/ });
  });

  fact('all kernels have the arguments of their instance type', async () => {
    for (const machine of ['m1', 'm2'])
      expect(await login(machine, 'cat /proc/cmdline')).toMatch(/ rack=e2e-methods( |$)/);
  });

  fact('live: it runs in memory on a machine without a disk, as its owner’s', async () => {
    const look =
      'hostname; findmnt --noheadings --output FSTYPE /; lsblk --nodeps --noheadings --output TYPE';
    const said = await login('m2', look);
    expect(said).toMatch(/^host-m2\noverlay\n(loop\n?|rom\n?)*$/);
  });

  fact(
    'live: with a bond and a VLAN on it from the kernel command line, of which cloud-init warns nothing',
    async () => {
      await proveServiceNetwork((command) => login('m2', command), 2);
      expect(await cloudInitFaults((command) => login('m2', command))).toEqual([]);
      const { checks } = await site.client.doctor(instances[1]?.id ?? '');
      expect(checks.length).toBeGreaterThan(4);
      expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    },
  );

  fact('live: a reset starts it anew in the same way, as its owner’s', async () => {
    await login('m2', 'touch only-in-memory');
    const shown = (await site.rack.serialLog('m2')).length;
    await site.client.power('m2', 'reset');
    await site.waitForLogin('m2', 'host-m2', bootMs, shown);
    expect(await cloudInitFaults((command) => login('m2', command))).toEqual([]);
    await proveServiceNetwork((command) => login('m2', command), 2);
    expect(await login('m2', 'hostname; ls only-in-memory 2>&1 || true')).toMatch(
      /^host-m2\nls: .*No such file/,
    );
    expect((await site.client.instance(instances[1]?.id ?? '')).state).toBe('active');
  });

  fact('live: what ran in memory leaves nothing to wipe', async () => {
    const [, instance] = instances;
    await site.client.destroy(instance?.id ?? '');
    await site.until('deleted', instance?.id ?? '', installMs);
    expect(await toldOf(instance, 'stage.changed')).toContain('has no disk to be wiped');
    expect(await site.client.machine('m2')).toMatchObject({ state: 'inactive', instanceId: null });
  });

  fact('manual: that it is done was not believed before its OS answered on SSH', async () => {
    expect(await toldOf(instances[2], 'stage.changed')).toMatch(/SSH-2\.0-OpenSSH/);
  });
});
