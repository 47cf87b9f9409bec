import { expect, it } from 'vitest';
import { lastWipeText } from './last-wipe.js';

const at = '2026-06-01T12:00:00.000Z';
const now = new Date('2026-06-01T15:00:00.000Z');
const instanceId = '55a17beb-6ed2-420c-bf63-bfe09c6f4bf2';
const disk = {
  disk: '/dev/nvme0n1',
  serial: 'S1',
  wwn: null,
  model: 'a disk',
  sizeBytes: 4_000_787_030_016,
  method: 'nvme_format_crypto' as const,
  command: 'nvme format /dev/nvme0n1 --ses=2',
  seconds: 65,
  readBack: {
    placeBytes: 1_048_576,
    offsets: [0, 4096, 8192],
    held: { zeros: 0, ones: 0, other: 3 },
    marked: true,
  },
};

it('a machine that was never wiped has none', () => {
  expect(lastWipeText(null, now)).toBeNull();
});

it('says when, and of each disk how it was wiped and what was read back', () => {
  const lines = lastWipeText({ at, instanceId, disks: [disk] }, now)?.split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^2026-06-01 .* \(3h00m ago\), after instance 55a17beb-/),
    '/dev/nvme0n1 (a disk S1 4.00 TB): nvme format /dev/nvme0n1 --ses=2, 1m05s; 3 places read back: nothing of what was there',
  ]);
});

it('says how many places held what when they differ', () => {
  const mixed = { ...disk, readBack: { ...disk.readBack, held: { zeros: 2, ones: 0, other: 1 } } };
  expect(lastWipeText({ at, instanceId, disks: [mixed] }, now)).toContain(
    '3 places read back: 2 zeros, 1 nothing of what was there',
  );
});

it('says so when whoever wiped it told no more', () => {
  expect(lastWipeText({ at, instanceId, disks: [] }, now)).toMatch(
    /after instance 55a17beb-\S+\nnothing more was told$/,
  );
});
