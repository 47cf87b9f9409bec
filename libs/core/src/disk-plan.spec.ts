import { describe, expect, it } from 'vitest';
import { type Divided, type DiskLayout, diskPlan, partitionsMib, rootMib } from './index.js';

const sizes = { rootSizeMib: 10_240, swapSizeMib: 2048, kdumpSizeMib: 0, ephemeralSizeMib: 0 };
const five: Divided = { ...sizes, diskLayout: null };
const own = (diskLayout: DiskLayout): Divided => ({ ...sizes, diskLayout });
const content = { bootMode: 'bios', fileSystem: null, imageMib: 600 } as const;

/** `2 root 10240 ext4` */
const shown = (type: Divided, of: Partial<Parameters<typeof diskPlan>[1]> = {}) =>
  diskPlan(type, { ...content, ...of }).partitions.map(({ number, name, partitionMib, fileSystem }) =>
    [number, name, partitionMib ?? 'rest', fileSystem ?? '-'].join(' '),
  );

describe('what a machine is divided into', () => {
  it('are the five partitions of dodai, whose numbers stay when one is left out', () => {
    expect(shown(five)).toEqual([
      '1 bios-boot 5 -',
      '2 root 10240 ext4',
      '3 swap 2048 -',
      '5 ephemeral rest ext4',
      '6 config-2 64 -',
    ]);
  });

  it('begins with an EFI system partition where the firmware is UEFI', () => {
    expect(shown(five, { bootMode: 'uefi' })[0]).toBe('1 esp 512 vfat');
    const larger = own({ espSizeMib: 1024, partitions: [{ use: 'root', sizeMib: 'rest' }] });
    expect(shown(larger, { bootMode: 'uefi' })).toEqual([
      '1 esp 1024 vfat',
      '2 root rest ext4',
      '3 config-2 64 -',
    ]);
  });

  it.each([
    ['ext3', 'ext3'],
    ['ext4', 'ext4'],
    ['ext2', 'ext2'],
    ['xfs', 'ext4'],
    ['btrfs', 'ext4'],
  ])('follows an image with %s: data is %s', (fileSystem, expected) => {
    expect(shown(five, { fileSystem }).at(-2)).toBe(`5 ephemeral rest ${expected}`);
  });

  it('has room for the metadata of a mirror, except where the firmware reads', () => {
    const mirrored = own({
      raid1: true,
      partitions: [
        { use: 'root', sizeMib: 1000, fileSystem: 'xfs' },
        { use: 'swap', sizeMib: 100 },
      ],
    });
    expect(shown(mirrored)).toEqual([
      '1 bios-boot 5 -',
      '2 root 1004 xfs',
      '3 swap 104 -',
      '4 config-2 64 -',
    ]);
    const plan = diskPlan(mirrored, content);
    expect(plan).toMatchObject({ disks: 2, neededMib: 2 + 512 + 1004 + 104 + 64 });
    expect(plan.partitions.map(({ mirrored }) => mirrored)).toEqual([false, true, true, false]);
  });

  it('names data after its mount point', () => {
    const named = own({
      partitions: [
        { use: 'root', sizeMib: 100 },
        { use: 'data', mountPoint: '/srv/Data_1', sizeMib: 'rest' },
      ],
    });
    expect(diskPlan(named, content).partitions[2]).toMatchObject({
      name: 'srv-data-1',
      mountPoint: '/srv/Data_1',
    });
  });

  it('needs a disk that has room for the image where root takes the rest', () => {
    const all = own({ partitions: [{ use: 'root', sizeMib: 'rest' }] });
    expect(diskPlan(all, content).neededMib).toBeGreaterThanOrEqual(512 + 600);
  });
});

describe('the room that root has on the smallest disk of its type', () => {
  it.each<[string, DiskLayout | null, number]>([
    ['its size', null, 10_240],
    [
      'its size in a volume group',
      { partitions: [{ use: 'lvm', sizeMib: 'rest', volumes: [{ use: 'root', sizeMib: 4000 }] }] },
      4000,
    ],
    [
      'what others leave',
      {
        partitions: [
          { use: 'swap', sizeMib: 1000 },
          { use: 'root', sizeMib: 'rest' },
        ],
      },
      95_367 - 2 - 64 - 512 - 1000,
    ],
    [
      'what others leave in a volume group of a size',
      {
        partitions: [
          {
            use: 'lvm',
            sizeMib: 5008,
            volumes: [
              { use: 'swap', sizeMib: 1000 },
              { use: 'root', sizeMib: 'rest' },
            ],
          },
        ],
      },
      4000,
    ],
  ])('is %s', (_, diskLayout, expected) => {
    expect(rootMib({ ...sizes, diskLayout, localGb: 100 })).toBe(expected);
  });
});

it('counts whole extents of logical volumes', () => {
  const volumes = [
    { use: 'root' as const, sizeMib: 101 },
    { use: 'swap' as const, sizeMib: 101 },
  ];
  expect(partitionsMib(own({ partitions: [{ use: 'lvm', sizeMib: 'rest', volumes }] }))).toBe(
    2 + 64 + 512 + 8 + 104 + 104,
  );
});
