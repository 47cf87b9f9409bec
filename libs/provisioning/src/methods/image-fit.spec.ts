import { describe, expect, it } from 'vitest';
import type { DiskLayout, Image, ImageDescription, Machine } from '#core';
import { bootModesOf, checkFit, checkFitOn, isMirrored, neededGb, planFor } from './image-fit.js';

const mib = 1024 ** 2;
const gib = 1024 ** 3;

const debian: ImageDescription = {
  os: { id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12' },
  architecture: 'x86_64',
  bootModes: [],
  installableBootModes: ['bios'],
  partitionTable: null,
  rootPartition: null,
  rootFileSystem: 'ext4',
  kernelArguments: null,
  defaultUser: null,
};

type Content = Pick<
  Image,
  'name' | 'kind' | 'fileSystem' | 'uncompressedBytes' | 'chunksSha256' | 'description'
>;

const image = (changes: Partial<Content> = {}): Content => ({
  name: 'debian',
  kind: 'file_system',
  fileSystem: 'ext4',
  uncompressedBytes: 2 * gib,
  chunksSha256: 'c'.repeat(64),
  description: debian,
  ...changes,
});

const disk = (changes: Partial<Content> = {}) =>
  image({
    kind: 'disk',
    fileSystem: null,
    description: { ...debian, bootModes: ['uefi'], installableBootModes: [] },
    ...changes,
  });

const type = (diskLayout: DiskLayout | null = null) => ({
  name: 'standard',
  localGb: 20,
  rootSizeMib: 4096,
  swapSizeMib: 1024,
  kdumpSizeMib: 0,
  ephemeralSizeMib: 0,
  diskLayout,
});

const machine = (bootMode: Machine['bootMode'], localGb = 20) =>
  ({ name: 'm1', bootMode, localGb }) as Machine;

describe('an image and a type', () => {
  it.each([
    ['a file system that is smaller than its partition', image()],
    ['one that is as large', image({ uncompressedBytes: 4096 * mib })],
    ['one of which nothing is known', image({ description: null })],
    ['a whole disk, whatever the partitions', disk({ uncompressedBytes: 10 * gib })],
  ])('suit each other: %s', (_fact, content) => {
    expect(() => checkFit(content, type())).not.toThrow();
  });

  it.each<[string, Content, string, string]>([
    [
      'a file system that is larger than its partition',
      image({ uncompressedBytes: 4096 * mib + 1 }),
      'image-too-large',
      'needs 4097 MiB; the root partition of standard has 4096 MiB',
    ],
    [
      'a whole disk that is larger than the smallest disk',
      disk({ uncompressedBytes: 20 * gib }),
      'image-too-large',
      'the smallest disk of standard',
    ],
    [
      'programs of another processor',
      image({ description: { ...debian, architecture: 'aarch64' } }),
      'image-unsuitable',
      'is for aarch64 machines',
    ],
    [
      'no boot loader at all',
      image({ description: { ...debian, installableBootModes: [] } }),
      'image-unsuitable',
      'starts on no firmware',
    ],
    ['a whole disk without one', disk({ description: debian }), 'image-unsuitable', 'starts on no firmware'],
    ['an ISO', image({ kind: 'iso', description: null }), 'image-unsuitable', 'is an ISO'],
    [
      'a tarball that starts an installer',
      image({
        kind: 'tarball',
        description: { ...debian, os: null, bootFiles: [{ kernel: 'linux', initrd: 'initrd.gz' }] },
      }),
      'image-unsuitable',
      'is an installer or a live system',
    ],
    ['one of before there were chunks', image({ chunksSha256: '' }), 'image-unsuitable', 'in chunks'],
  ])('do not: %s', (_fact, content, code, message) => {
    const remedy = expect.stringMatching(/^[A-Z].*\.$/);
    expect(() => checkFit(content, type())).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message), remedy }),
    );
  });

  it('do not when both say how the disk is divided, or of what type root is', () => {
    const layout: DiskLayout = { partitions: [{ use: 'root', sizeMib: 'rest', fileSystem: 'xfs' }] };
    const unsuitable = expect.objectContaining({ code: 'image-unsuitable' });
    expect(() => checkFit(disk(), type(layout))).toThrow(unsuitable);
    expect(() => checkFit(image(), type(layout))).toThrow(unsuitable);
    expect(() => checkFit(image({ fileSystem: 'xfs' }), type(layout))).not.toThrow();
    expect(() => checkFit(image({ kind: 'tarball', fileSystem: null }), type(layout))).not.toThrow();
  });
});

describe('an image and a machine', () => {
  it('suit each other when it can be made to start on the firmware of the machine', () => {
    expect(() => checkFitOn(machine('bios'), image(), type())).not.toThrow();
    expect(() => checkFitOn(machine('uefi'), disk(), type())).not.toThrow();
    expect(() => checkFitOn(machine('uefi'), image({ description: null }), type())).not.toThrow();
  });

  it('do not when it has no boot loader for that firmware', () => {
    expect(() => checkFitOn(machine('uefi'), image(), type())).toThrow(
      expect.objectContaining({
        code: 'image-unsuitable',
        message: 'The image debian starts on bios firmware; m1 has uefi.',
        remedy: expect.stringContaining('grub-efi-amd64-bin'),
      }),
    );
    expect(() => checkFitOn(machine('bios'), disk(), type())).toThrow(
      expect.objectContaining({ message: 'The image debian starts on uefi firmware; m1 has bios.' }),
    );
  });

  it('do not when the disk of the machine is smaller than the disk of the image', () => {
    expect(neededGb(disk({ uncompressedBytes: 10 * gib }), type())).toBe(11);
    expect(() => checkFitOn(machine('uefi', 10), disk({ uncompressedBytes: 10 * gib }), type())).toThrow(
      expect.objectContaining({ code: 'image-too-large', message: expect.stringContaining('11 GB') }),
    );
  });
});

it('what an image starts on is not known when nobody could look into it', () => {
  expect(bootModesOf(image({ description: null }))).toBeUndefined();
  expect(bootModesOf(image({ description: { ...debian, os: null } }))).toBeUndefined();
  expect(bootModesOf(image())).toEqual(['bios']);
  expect(bootModesOf(disk())).toEqual(['uefi']);
});

it('an image goes to two disks where its type mirrors them, unless it is a disk itself', () => {
  const mirrored = type({ raid1: true, partitions: [{ use: 'root', sizeMib: 'rest' }] });
  expect([image(), disk()].map((content) => isMirrored(content, mirrored))).toEqual([true, false]);
  expect(isMirrored(image(), type())).toBe(false);
  expect(planFor(image({ fileSystem: 'btrfs' }), mirrored, { bootMode: 'uefi' })).toMatchObject({
    disks: 2,
    partitions: [{ use: 'esp' }, { use: 'root', fileSystem: 'btrfs' }, { use: 'config_drive' }],
  });
  const content = disk({ uncompressedBytes: 700 * mib });
  expect(planFor(content, type(), { bootMode: 'uefi' })).toEqual({
    disks: 1,
    neededMib: 764,
    partitions: [],
  });
});
