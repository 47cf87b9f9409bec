import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debian, finding, inspect, notOk } from '../support/image-inspection.js';
import { ImageBench, installGrubForBios } from '../support/image-tree.js';
import { physicalVolume } from '../support/logical-volume.js';

let bench: ImageBench;
beforeAll(async () => {
  bench = await ImageBench.make();
});
afterAll(() => bench.remove());

const typeOf = { bios: '21686148-6449-6E6F-744E-656564454649', esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' };
const cloudGpt = [
  '-n1:2048:+1M',
  '-t1:ef02',
  '-n2:4096:+8M',
  '-t2:ef00',
  '-n3:20480:0',
  '-t3:8300',
  '-c3:root',
];
const loader = { 'EFI/BOOT/BOOTX64.EFI': 'shim' };
const mib = 1024 ** 2;

describe('a whole disk', () => {
  it('is described by its partitions and what is in them', async () => {
    const [root, esp] = [await bench.ext(await bench.tree()), await bench.fat(loader)];
    const disk = await bench.disk(40, { gpt: cloudGpt }, { 2: esp, 10: root });
    await installGrubForBios(disk, 2048);
    const found = await inspect(disk, 'disk');
    expect(found.description).toMatchObject({
      ...debian,
      bootModes: ['bios', 'uefi'],
      installableBootModes: [],
      rootPartition: 3,
      rootFileSystem: 'ext4',
      partitionTable: { type: 'gpt', sectorBytes: 512 },
    });
    expect(found.description.partitionTable?.partitions).toEqual([
      { number: 1, startBytes: mib, sizeBytes: mib, type: typeOf.bios, name: null, fileSystem: null },
      { number: 2, startBytes: 2 * mib, sizeBytes: 8 * mib, type: typeOf.esp, name: null, fileSystem: 'fat' },
      expect.objectContaining({ number: 3, startBytes: 10 * mib, name: 'root', fileSystem: 'ext4' }),
    ]);
    expect(notOk(found)).toEqual([]);
  });

  it('may have its kernel in a partition for /boot, and its root in a subvolume of Btrfs', async () => {
    const boot = await bench.ext(
      await bench.plainTree({
        'vmlinuz-6.9': 'kernel',
        'initramfs-6.9.img': 'initramfs',
        'loader/entries/a.conf': 'options console=ttyS0\n',
      }),
    );
    const tree = await bench.tree({ 'boot/vmlinuz-6.1.0': null, 'boot/initrd.img-6.1.0': null, boot: null });
    const top = await bench.plainTree({ 'home/x': '' });
    await execa('cp', ['-a', tree, `${top}/root`]);
    const disk = await bench.disk(
      200,
      { gpt: ['-n1:2048:+1M', '-t1:ef02', '-n2:4096:+20M', '-n3:45056:0'] },
      { 2: boot, 22: await bench.btrfs(top) },
    );
    const found = await inspect(disk, 'disk');
    expect(found.description).toMatchObject({
      ...debian,
      kernelArguments: 'console=ttyS0',
      rootPartition: 3,
      rootFileSystem: 'btrfs',
    });
    expect(notOk(found)).toEqual(['boot-loader-bios: fault', 'boot-loader-uefi: fault']);
  });

  it('may have an MBR, with the root in a logical partition, and GRUB behind the MBR', async () => {
    const mbr =
      'label: dos\nstart=2048, size=2048, type=83, bootable\nstart=6144, type=5\nstart=8192, type=83\n';
    const disk = await bench.disk(40, { mbr }, { 4: await bench.ext(await bench.tree()) });
    await installGrubForBios(disk, 1);
    const found = await inspect(disk, 'disk');
    expect(found.description).toMatchObject({ ...debian, bootModes: ['bios'], rootPartition: 5 });
    expect(found.description.partitionTable).toMatchObject({
      type: 'mbr',
      partitions: [
        { number: 1, startBytes: mib, sizeBytes: mib, type: '83', fileSystem: null },
        { number: 5, startBytes: 4 * mib, sizeBytes: 36 * mib, type: '83', fileSystem: 'ext4' },
      ],
    });
    expect(notOk(found)).toEqual(['boot-loader-uefi: warning']);
  });

  it('may be made for sectors of 4096 bytes', async () => {
    const disk = await bench.disk4k(
      64,
      [
        { type: typeOf.esp, startMib: 1, sizeMib: 8 },
        { type: '0FC63DAF-8483-4772-8E79-3D69D8477DE4', startMib: 9, sizeMib: 54 },
      ],
      { 1: await bench.fat(loader), 9: await bench.ext(await bench.tree()) },
    );
    const found = await inspect(disk, 'disk');
    expect(found.description).toMatchObject({
      ...debian,
      bootModes: ['uefi'],
      rootPartition: 2,
      partitionTable: { sectorBytes: 4096 },
    });
    expect(notOk(found)).toEqual(['boot-loader-bios: warning']);
  });
});

describe('a whole disk is not as it should be:', () => {
  const rootAndMore = ['-n1:2048:+20M', '-n2:43008:0'];

  it('something lies behind its root', async () => {
    const disk = await bench.disk(40, { gpt: rootAndMore }, { 1: await bench.ext(await bench.tree()) });
    const found = await inspect(disk, 'disk');
    expect(notOk(found)).toEqual(
      expect.arrayContaining(['partition-layout: warning', 'growpart: warning', 'boot-loader-bios: fault']),
    );
    expect(finding(found, 'partition-layout')?.message).toContain('partition 2 lies behind it');
  });

  it('it has two operating systems', async () => {
    const root = await bench.ext(await bench.tree());
    const found = await inspect(await bench.disk(40, { gpt: rootAndMore }, { 1: root, 21: root }), 'disk');
    expect(finding(found, 'partition-layout')).toMatchObject({
      result: 'warning',
      message: 'There are operating systems in 2 places on it; dodai takes the first, in partition 1.',
    });
    expect(found.description.rootPartition).toBe(1);
  });

  it('it was cut short', async () => {
    const disk = await bench.disk(60, { gpt: ['-n1:2048:0'] }, { 1: await bench.ext(await bench.tree()) });
    await execa('truncate', ['--size=40M', disk]);
    expect(finding(await inspect(disk, 'disk'), 'partition-layout')).toMatchObject({
      result: 'fault',
      message: expect.stringContaining('goes beyond the end'),
    });
  });

  it('its root is in a logical volume', async () => {
    const volume = await physicalVolume(bench, 'cloud', 'root', await bench.ext(await bench.tree(), 16));
    const disk = await bench.disk(40, { gpt: ['-n1:2048:0', '-t1:8e00'] }, { 1: volume });
    const found = await inspect(disk, 'disk');
    expect(found.description).toMatchObject({ ...debian, rootPartition: null, rootFileSystem: 'ext4' });
    expect(finding(found, 'lvm')).toMatchObject({
      result: 'fault',
      message: expect.stringContaining('a logical volume'),
    });
  });

  it('it has LVM beside its root', async () => {
    const volume = await physicalVolume(
      bench,
      'data',
      'files',
      await bench.ext(await bench.plainTree({ a: '' }), 8),
    );
    const disk = await bench.disk(
      60,
      { gpt: ['-n1:2048:+20M', '-t1:8e00', '-n2:45056:0'] },
      { 1: volume, 22: await bench.ext(await bench.tree()) },
    );
    const found = await inspect(disk, 'disk');
    expect(found.description.rootPartition).toBe(2);
    expect(finding(found, 'lvm')).toMatchObject({ result: 'warning' });
  });

  it('its kernel is silent on the serial console', async () => {
    const tree = await bench.tree({ 'etc/default/grub.d/10_cloud.cfg': null });
    const disk = await bench.disk(40, { gpt: ['-n1:2048:0'] }, { 1: await bench.ext(tree) });
    expect(finding(await inspect(disk, 'disk'), 'serial-console')).toMatchObject({ result: 'warning' });
  });

  it('its boot loader for UEFI is where firmware does not look', async () => {
    const esp = await bench.fat({ 'EFI/debian/shimx64.efi': 'shim' });
    const disk = await bench.disk(40, { gpt: cloudGpt }, { 2: esp, 10: await bench.ext(await bench.tree()) });
    const found = await inspect(disk, 'disk');
    expect(found.description.bootModes).toEqual(['uefi']);
    expect(finding(found, 'boot-loader-uefi')).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('by a boot entry alone, for EFI/debian'),
      remedy: expect.stringContaining('--removable'),
    });
  });

  it('GRUB begins on it and has no core', async () => {
    const disk = await bench.disk(40, { gpt: cloudGpt }, { 10: await bench.ext(await bench.tree()) });
    await installGrubForBios(disk, 2048);
    await execa('dd', ['if=/dev/zero', `of=${disk}`, 'bs=1M', 'seek=1', 'count=1', 'conv=notrunc']);
    expect((await inspect(disk, 'disk')).description.bootModes).toEqual([]);
  });
});
