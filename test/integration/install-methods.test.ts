import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainError } from '#core';
import { TestEngine } from '../support/engine.js';
import { describeInstallMethod, type MethodUnderTest } from '../support/install-method-conformance.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const start = async (silenceMs?: number, retries = 0) => {
  const limits = silenceMs && {
    bootingMs: silenceMs,
    installMs: silenceMs,
    bootingDiskMs: silenceMs,
    operatorMs: silenceMs,
  };
  return TestEngine.start(await postgres.database(), undefined, limits || {}, { retries, backoffMs: 1 });
};

/** What our live image says, and the OS that it leaves. */
const written = {
  words: [
    ['booting', 'install'],
    ['install', 'install_reboot'],
    ['booting_disk', 'installed'],
  ],
  way: ['queued', 'booting', 'install', 'install_reboot', 'booting_disk', 'installed'],
  files: { 'create.sh': ['booting'] },
  boots: { installer: 'kernel', os: 'local' },
} as const satisfies Omit<MethodUnderTest, 'name' | 'image'>;

const live = {
  method: 'live',
  kernel: 'vmlinuz',
  initrd: 'initrd.img',
  kernelArguments: 'boot=live fetch={{ treeUrl }}/filesystem.squashfs',
  completion: 'notify',
} as const;

const manual = {
  method: 'manual',
  instructions: 'Install {{ hostName }} on {{ machineName }}.',
  netboot: 'live_image',
  power: 'on',
  completion: 'notify',
} as const;

const netinstall = {
  method: 'netinstall',
  kernel: 'linux',
  initrd: 'initrd.gz',
  kernelArguments: 'mirror/http/proxy={{ controllerUrl }}',
  answerFile: { format: 'preseed', text: null },
} as const;

const methods: readonly MethodUnderTest[] = [
  { name: 'copy', image: { kind: 'file_system' }, ...written },
  { name: 'image', image: { kind: 'disk' }, ...written },
  { name: 'iscsi', image: { kind: 'disk', install: { method: 'iscsi' } }, ...written },
  {
    ...written,
    name: 'netinstall',
    image: { kind: 'tarball', install: netinstall },
    files: { 'preseed.cfg': ['booting'], 'installer.sh': ['booting'], 'finish.sh': ['booting'] },
  },
  {
    name: 'live',
    image: { kind: 'tarball', install: live },
    words: [['starting', 'installed']],
    way: ['queued', 'starting', 'installed'],
    files: {},
    boots: { installer: 'local', os: 'kernel' },
  },
  {
    name: 'manual',
    image: { kind: 'iso', install: manual },
    words: [
      ['operator', 'install_reboot'],
      ['booting_disk', 'installed'],
    ],
    way: ['queued', 'operator', 'install_reboot', 'booting_disk', 'installed'],
    files: { 'notify.sh': ['operator', 'booting_disk'] },
    boots: { installer: 'kernel', os: 'local' },
  },
];

for (const method of methods) describeInstallMethod(method, start);

describe('the method of an image', () => {
  let engine: TestEngine;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.stop());

  const chosen = async (image: Parameters<TestEngine['addImage']>[1], wanted?: 'copy' | 'image' | 'live') => {
    const made = await engine.addImage(`image-${Math.random().toString(36).slice(2)}`, image);
    const type = await engine.types.get('small');
    try {
      return engine.methods.choose(made, type, wanted).name;
    } catch (error) {
      return (error as DomainError).message.replace(made.name, 'it');
    }
  };

  it('is what it says, else what is usual for its kind, else what the spawn wants', async () => {
    expect(await chosen({ kind: 'file_system' })).toBe('copy');
    expect(await chosen({ kind: 'tarball' })).toBe('copy');
    expect(await chosen({ kind: 'disk' })).toBe('image');
    expect(await chosen({ kind: 'tarball', install: live })).toBe('live');
    expect(await chosen({ kind: 'tarball', install: live }, 'copy')).toBe('copy');
  });

  it('is refused in words where it cannot be', async () => {
    expect(await chosen({ kind: 'iso' })).toBe(
      'The image it is an ISO and does not say how it is installed: it is started, and not written to a disk.',
    );
    expect(await chosen({ kind: 'disk' }, 'copy')).toBe(
      'The image it holds a disk, which cannot be installed by copy.',
    );
    expect(await chosen({ kind: 'tarball' }, 'live')).toBe(
      'The image it does not say how it is installed by live.',
    );
  });

  it('needs a disk, but for what runs in memory', async () => {
    await engine.types.update('small', { localGb: 0 });
    expect(await chosen({ kind: 'disk' })).toBe(
      'The image it is installed to a disk (image), and machines of the type small have none.',
    );
    expect(await chosen({ kind: 'tarball', install: live })).toBe('live');
  });
});

describe('the installer of Ubuntu', () => {
  it('is given all that its cloud-init looks for, of which some is empty, and nothing of the others', async () => {
    const engine = await start();
    const answerFile = { format: 'autoinstall', text: null } as const;
    await engine.addImage('ubuntu', { kind: 'tarball', install: { ...netinstall, answerFile } });
    const machine = await engine.inactiveMachine('m1', 1);
    const { id } = await engine.spawn(machine, 'blue', undefined, { image: 'ubuntu' });
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    expect(await engine.netbooting.file(id, 'user-data')).toMatch(/^#cloud-config\n/);
    expect(await engine.netbooting.file(id, 'meta-data')).toBe(`instance-id: ${id}\n`);
    expect(await engine.netbooting.file(id, 'vendor-data')).toBe('');
    await expect(engine.netbooting.file(id, 'preseed.cfg')).rejects.toMatchObject({ code: 'not-found' });
    await engine.stop();
  });
});

describe('an answer file that names what not every instance has', () => {
  it('is told at the spawn, before a machine is taken', async () => {
    const engine = await start();
    const answerFile = { format: 'preseed', text: 'd-i role/name string {{ metadata.role }}\n' } as const;
    await engine.addImage('roles', { kind: 'tarball', install: { ...netinstall, answerFile } });
    const machine = await engine.inactiveMachine('m1', 1);
    await expect(engine.spawn(machine, 'blue', undefined, { image: 'roles' })).rejects.toMatchObject({
      code: 'answer-file-invalid',
      message: expect.stringContaining('line 1, column 25: there is no value metadata.role'),
    });
    expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'inactive', instanceId: null });
    const metadata = { role: 'db' };
    const { id } = await engine.spawn(machine, 'blue', undefined, { image: 'roles', metadata });
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    expect((await engine.instances.get(id)).installMethod).toBe('netinstall');
    await engine.stop();
  });
});

describe('a kernel command line that is longer than kernels take', () => {
  const install = { ...netinstall, kernelArguments: 'x'.repeat(1900) };
  const tooLong = {
    code: 'invalid-request',
    message: expect.stringMatching(
      /^image: the kernel command line has \d{4} bytes, and a kernel takes 2047\.$/,
    ),
    remedy: 'Shorten the kernel arguments of the image wordy or of the type small.',
  };

  it('is told at the spawn', async () => {
    const engine = await start();
    await engine.addImage('wordy', { kind: 'tarball', install });
    const machine = await engine.inactiveMachine('m1', 1);
    const refused = engine.spawn(machine, 'blue', undefined, { image: 'wordy' });
    await expect(refused).rejects.toMatchObject(tooLong);
    expect(await engine.machines.get(machine.id)).toMatchObject({ state: 'inactive', instanceId: null });
    await engine.stop();
  });

  it('fails the installation where it came about since, before the machine is switched on', async () => {
    const engine = await start();
    const image = await engine.addImage('wordy', { kind: 'tarball', install: netinstall });
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.stopConductor();
    await engine.spawn(machine, 'blue', undefined, { image: 'wordy' });
    await engine.images.setInstall(image, install);
    await engine.startConductor();
    const failed = await engine.until(machine.id, ({ state }) => state === 'install_failed');
    expect(failed.lastError).toMatchObject({ message: tooLong.message });
    expect(engine.orders).not.toContain('on');
    await engine.stop();
  });
});

describe('a machine without a disk', () => {
  it('is given back without a wipe, and says so', async () => {
    const engine = await start();
    const asker = { kind: 'token', name: 'test' } as const;
    await engine.addImage('memory', { kind: 'tarball', install: live });
    const machine = await engine.inactiveMachine('m1', 1);
    await engine.verbs.change(machine.id, { localGb: 0 }, asker);
    const instance = await engine.spawn(machine, 'blue', undefined, { image: 'memory' });
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'starting' && awaits !== null);
    await engine.say(instance.id, 'installed');
    await engine.until(machine.id, ({ state }) => state === 'used');
    await engine.verbs.destroy(instance.id, asker);
    await engine.until(machine.id, ({ state }) => state === 'inactive');
    const { items } = await engine.events.list({
      machineId: machine.id,
      kinds: ['stage.changed'],
      limit: 50,
    });
    expect(items.at(-1)?.message).toBe('m1 is off, and has no disk to be wiped');
    expect(engine.orders).toEqual(['on', 'off']);
    await engine.stop();
  });
});
