import { describe, expect, it } from 'vitest';
import { diskLayout, instanceTypeCreate } from './index.js';

const root = { use: 'root', sizeMib: 10_240 };
const data = { use: 'data', mountPoint: '/srv', sizeMib: 'rest' };

/** Field and fault, as they are told. */
const faultsOf = (layout: unknown) =>
  diskLayout
    .safeParse(layout)
    .error?.issues.map(({ path, message, code }) =>
      `${path.join('.')} ${code === 'unrecognized_keys' ? 'has unknown fields' : message}`.trim(),
    );

describe('a disk layout', () => {
  it.each([
    ['one partition for all', [{ use: 'root', sizeMib: 'rest' }]],
    ['a data partition with XFS that is encrypted', [root, { ...data, fileSystem: 'xfs', encrypted: true }]],
    ['swap and kernel dumps', [root, { use: 'swap', sizeMib: 2048 }, { use: 'kdump', sizeMib: 2048 }, data]],
    [
      'root in a volume group',
      [{ use: 'lvm', sizeMib: 'rest', volumes: [root, { use: 'swap', sizeMib: 64 }, data] }],
    ],
  ])('may be %s', (_, partitions) => {
    expect(faultsOf({ partitions })).toBeUndefined();
    expect(faultsOf({ raid1: true, espSizeMib: 1024, partitions })).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['no partitions', { partitions: [] }, 'partitions have no root: add one with use "root"'],
    ['an unknown field', { partitions: [root], raid: 1 }, 'has unknown fields'],
    [
      'an unknown use',
      { partitions: [{ use: 'boot', sizeMib: 512 }] },
      'partitions.0.use is not a use: root',
    ],
    ['no root', { partitions: [data] }, 'partitions have no root: add one with use "root"'],
    [
      'two roots',
      { partitions: [root, { ...root, name: 'other' }] },
      'partitions.1.use is a second root: an OS has one root',
    ],
    [
      'a root in the volume group besides the one outside',
      { partitions: [root, { use: 'lvm', sizeMib: 'rest', volumes: [{ ...root, name: 'other' }] }] },
      'partitions.1.volumes.0.use is a second root',
    ],
    [
      'two volume groups',
      {
        partitions: [
          { use: 'lvm', sizeMib: 20_480, volumes: [root] },
          { use: 'lvm', name: 'more', sizeMib: 'rest', volumes: [data] },
        ],
      },
      'partitions.1.use is a second lvm',
    ],
    [
      'two that take the rest',
      { partitions: [{ use: 'root', sizeMib: 'rest' }, data] },
      'partitions.0.sizeMib takes the rest, and is not the last of its list',
    ],
    [
      'a size in words',
      { partitions: [{ use: 'root', sizeMib: '10G' }] },
      'partitions.0.sizeMib is neither a size',
    ],
    [
      'a tiny root',
      { partitions: [{ use: 'root', sizeMib: 32 }] },
      'partitions.0.sizeMib is 32; a partition needs 64',
    ],
    [
      'an XFS that is too small',
      { partitions: [root, { ...data, sizeMib: 256, fileSystem: 'xfs' }] },
      'partitions.1.sizeMib is 256; XFS needs 320 MiB at least',
    ],
    [
      'a volume group that is too small for its volumes',
      { partitions: [{ use: 'lvm', sizeMib: 10_240, volumes: [root] }] },
      'partitions.0.sizeMib leaves 10232 MiB for logical volumes that need 10240',
    ],
    [
      'one mount point twice',
      { partitions: [root, { ...data, sizeMib: 100 }, { ...data, name: 'again' }] },
      'partitions.2.mountPoint is /srv, as that of partitions.1 is',
    ],
    [
      'one name twice',
      { partitions: [root, { ...data, sizeMib: 100, mountPoint: '/a/b' }, { ...data, mountPoint: '/a-b' }] },
      'partitions.2.name is a-b, as that of partitions.1 is: give one of them another name',
    ],
    [
      'a mount point of the OS',
      { partitions: [root, { ...data, mountPoint: '/usr/local' }] },
      'partitions.1.mountPoint belongs to the OS',
    ],
    [
      'a mount point that is none',
      { partitions: [root, { ...data, mountPoint: 'srv' }] },
      'is not a mount point',
    ],
    ['btrfs for data', { partitions: [root, { ...data, fileSystem: 'btrfs' }] }, 'partitions.1.fileSystem'],
    ['an encrypted root', { partitions: [{ ...root, encrypted: true }] }, 'partitions.0 has unknown fields'],
    [
      'a name that LVM keeps',
      {
        partitions: [{ use: 'lvm', sizeMib: 'rest', volumes: [root, { ...data, mountPoint: '/snapshots' }] }],
      },
      'partitions.0.volumes.1.name would be snapshots, which LVM keeps for itself',
    ],
    ['a tiny ESP', { espSizeMib: 100, partitions: [root] }, 'espSizeMib is too small'],
  ])('that has %s is refused', (_, layout, fault) => {
    const faults = faultsOf(layout);
    expect(faults).toHaveLength(1);
    expect(faults?.[0]).toContain(fault);
  });
});

it('must fit the smallest disk of its type', () => {
  const type = { name: 'small', vcpus: 1, memoryMb: 1024, localGb: 10, diskLayout: { partitions: [root] } };
  expect(instanceTypeCreate.safeParse(type).error?.issues).toMatchObject([
    { path: ['localGb'], message: 'has 9536 MiB (10 GB), but the partitions need 10818 MiB' },
  ]);
  expect(instanceTypeCreate.safeParse({ ...type, localGb: 12 }).success).toBe(true);
});
