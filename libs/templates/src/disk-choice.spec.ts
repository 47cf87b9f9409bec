import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const snippets = fileURLToPath(new URL('../../../templates/snippets', import.meta.url));
const gb = 1_000_000_000;

/** As `lsblk --json --bytes` prints it, with the links that with_paths adds. */
const disk = (fields: object) => ({
  type: 'disk',
  ro: false,
  rm: false,
  rota: false,
  tran: 'sata',
  serial: null,
  wwn: null,
  model: null,
  links: [],
  ...fields,
});

const sda = disk({
  name: 'sda',
  path: '/dev/sda',
  size: 960 * gb,
  serial: 'S1',
  wwn: '0x5000c500a1b2c3d4',
  model: 'Big SSD',
  links: ['/dev/disk/by-path/pci-0000:00:1f.2-ata-1'],
});
const sdb = disk({ name: 'sdb', path: '/dev/sdb', size: 480 * gb, serial: 'S2', model: 'Small SSD' });
const sdc = disk({ name: 'sdc', path: '/dev/sdc', size: 4000 * gb, serial: 'S3', model: 'Slow', rota: true });
const nvme = disk({
  name: 'nvme0n1',
  path: '/dev/nvme0n1',
  size: 1000 * gb,
  serial: 'N1',
  model: 'Big SSD',
  tran: 'nvme',
  namespace: ['1', '0025385b-1234-5678-9abc-def012345678', '00 25 38 5b 71 b0 1c 2d'],
});
const unfit = [
  disk({ name: 'sr0', path: '/dev/sr0', size: 100 * gb, type: 'rom' }),
  disk({ name: 'sdu', path: '/dev/sdu', size: 100 * gb, tran: 'usb' }),
  disk({ name: 'sdr', path: '/dev/sdr', size: 100 * gb, rm: true }),
  disk({ name: 'sdo', path: '/dev/sdo', size: 100 * gb, ro: true }),
  disk({ name: 'loop0', path: '/dev/loop0', size: 100 * gb, type: 'loop' }),
  disk({ name: 'mmcblk0boot0', path: '/dev/mmcblk0boot0', size: 100 * gb }),
  disk({ name: 'md127', path: '/dev/md127', size: 100 * gb }),
  disk({ name: 'sde', path: '/dev/sde', size: 0 }),
];

/** The path that is picked, or the reason why none is. */
type Pick = (devices: object[], hint?: object, neededBytes?: number) => Promise<string>;

const pickFor =
  (count: number): Pick =>
  async (devices, hint = {}, neededBytes = 20 * gb) => {
    const script = `set -Eeuo pipefail
      . '${snippets}/disks.sh'
      fail() { printf 'refused: %s\\n' "$*"; exit 0; }
      usable_disks | pick_disks "$1" "$2" "$3"`;
    const input = JSON.stringify({ blockdevices: devices });
    const given = [JSON.stringify(hint), String(neededBytes), String(count)];
    const { stdout } = await execa('bash', ['-c', script, 'bash', ...given], { input });
    return stdout;
  };

const variables: Record<string, string> = {
  serial: 'HINT_SERIAL',
  wwn: 'HINT_WWN',
  model: 'HINT_MODEL',
  path: 'HINT_PATH',
  minSizeGb: 'HINT_MIN_GB',
  maxSizeGb: 'HINT_MAX_GB',
  rotational: 'HINT_ROTATIONAL',
  transport: 'HINT_TRANSPORT',
  nvmeNamespace: 'HINT_NAMESPACE',
};

/** In an installer, with what busybox has. */
const pickWithBusybox: Pick = async (devices, hint = {}, neededBytes = 20 * gb) => {
  const script = `set -eu
    awk() { busybox awk "$@"; }
    . '${snippets}/../netinstall/disks.sh'
    if chosen=$(choose_disk); then printf '%s' "\${chosen%% *}"; else printf 'refused: %s' "$chosen"; fi`;
  const input = (devices as ReturnType<typeof disk>[]).map((each) => `${lineOf(each)}\n`).join('');
  const env = Object.fromEntries(Object.entries(hint).map(([field, value]) => [variables[field], String(value)]));
  const { stdout } = await execa('busybox', ['sh', '-c', script], {
    input,
    env: { NEEDED_BYTES: String(neededBytes), LC_ALL: 'C', ...env },
  });
  return stdout;
};

/** As list_disks of the installers prints it. */
function lineOf(each: Record<string, unknown>): string {
  const { path, size, rota, tran, serial, wwn, model, namespace = [], links = [] } = each;
  const spaced = (list: unknown) => (list as string[]).map((word) => word.replaceAll(' ', '')).join(' ');
  return [path, size, rota ? 1 : 0, tran, serial ?? '', wwn ?? '', model ?? '', spaced(namespace), `${String(path)} ${spaced(links)}`].join('\t');
}

const picks: [string, Pick][] = [
  ['the live image', pickFor(1)],
  ['an installer', pickWithBusybox],
];

describe.each(picks)('without a root device hint, in %s,', (_, pick) => {
  it('the smallest disk that is large enough is taken', async () => {
    expect(await pick([sda, sdb, sdc, nvme])).toBe('/dev/sdb');
    expect(await pick([sda, sdb, sdc, nvme], {}, 500 * gb)).toBe('/dev/sda');
  });

  it('disks of one size are told apart by serial number, not by name', async () => {
    const twin = { ...sdb, path: '/dev/sda', name: 'sda', serial: 'S9' };
    expect(await pick([twin, sdb])).toBe('/dev/sdb');
  });

  it('too small disks are listed with what was needed', async () => {
    const reason = await pick([sda, sdb], {}, 5000 * gb);
    expect(reason).toContain(`no disk has the ${5000 * gb} bytes that the partitions need`);
    expect(reason).toContain('/dev/sda (serial S1, wwn 0x5000c500a1b2c3d4, model Big SSD, 960000000000 bytes, not rotational)');
  });
});

it('a disk that is removable, read-only, on USB, empty or no disk at all is never taken', async () => {
  const pick = pickFor(1);
  expect(await pick([...unfit, sdc])).toBe('/dev/sdc');
  expect(await pick(unfit)).toMatch(/^refused: no disk matches .*candidates: there is none$/);
});

describe.each(picks)('a root device hint, in %s,', (_where, pick) => {
  it.each([
    [{ serial: 's1' }, '/dev/sda'],
    [{ wwn: '5000C500A1B2C3D4' }, '/dev/sda'],
    [{ model: 'small_ssd' }, '/dev/sdb'],
    [{ path: '/dev/disk/by-path/pci-0000:00:1f.2-ata-1' }, '/dev/sda'],
    [{ path: '/dev/nvme0n1' }, '/dev/nvme0n1'],
    [{ rotational: true }, '/dev/sdc'],
    [{ minSizeGb: 990, rotational: false }, '/dev/nvme0n1'],
    [{ maxSizeGb: 500 }, '/dev/sdb'],
    [{ model: 'Big SSD', maxSizeGb: 970 }, '/dev/sda'],
    [{ transport: 'nvme' }, '/dev/nvme0n1'],
    [{ transport: 'sata', minSizeGb: 900, rotational: false }, '/dev/sda'],
    [{ nvmeNamespace: '1' }, '/dev/nvme0n1'],
    [{ nvmeNamespace: 'eui.0025385B71B01C2D' }, '/dev/nvme0n1'],
    [{ nvmeNamespace: '0025385b123456789abcdef012345678' }, '/dev/nvme0n1'],
  ])('%j means %s', async (hint, path) => {
    expect(await pick([sda, sdb, sdc, nvme], hint)).toBe(path);
  });

  it('that two disks match is refused, and both are listed', async () => {
    const reason = await pick([sda, sdb, sdc, nvme], { model: 'Big SSD' });
    expect(reason).toMatch(/^refused: more than one disk matches .*\/dev\/sda .*\/dev\/nvme0n1 /);
  });

  it('that no disk matches is refused, and all are listed', async () => {
    const reason = await pick([sda, sdb], { serial: 'S7' });
    expect(reason).toMatch(/^refused: no disk matches the root device hint.*; .*\/dev\/sda .*\/dev\/sdb /);
  });

  it('never falls back to another disk when the one it names is too small', async () => {
    expect(await pick([sda, sdb], { serial: 'S2' }, 500 * gb)).toMatch(/^refused: no disk has the/);
  });
});

describe('two disks for a mirror', () => {
  const pick = pickFor(2);

  it('are the only two that are large enough', async () => {
    expect(await pick([sda, sdb, sdc], {}, 500 * gb)).toBe('/dev/sda\n/dev/sdc');
  });

  it('are the two that the hint matches', async () => {
    expect(await pick([sda, sdb, sdc, nvme], { model: 'Big SSD' })).toBe('/dev/sda\n/dev/nvme0n1');
  });

  it.each([
    ['there is one only', [sda, ...unfit], {}, /^refused: RAID 1 needs two disks .*\/dev\/sda /],
    ['the hint matches one only', [sda, sdb, sdc], { serial: 'S1' }, /^refused: RAID 1 needs two disks .*\/dev\/sda /],
    [
      'three would do, and nothing tells which are meant',
      [sda, sdb, sdc],
      {},
      /^refused: more than two disks could be mirrored.*\/dev\/sda .*\/dev\/sdb .*\/dev\/sdc /,
    ],
    [
      'the hint matches three',
      [sda, sdb, sdc, nvme],
      { rotational: false },
      /^refused: more than two disks match the root device hint .*\/dev\/sda .*\/dev\/sdb .*nvme/,
    ],
  ])('are refused, and listed, where %s', async (_, devices, hint, reason) => {
    expect(await pick(devices, hint)).toMatch(reason);
  });
});

it('tells of namespaces what the kernel does', async () => {
  const script = `set -Eeuo pipefail
    . '${snippets}/disks.sh'
    grep() { printf '/sys/block/%s\\n' nvme0n1/nsid:2 nvme0n1/uuid:0025385b-12 'nvme0n1/eui:00 25 38'; }
    with_namespaces`;
  const input = JSON.stringify({ blockdevices: [{ name: 'nvme0n1' }, { name: 'sda' }] });
  const { stdout } = await execa('bash', ['-c', script], { input });
  expect(JSON.parse(stdout)).toEqual({
    blockdevices: [
      { name: 'nvme0n1', namespace: ['2', '0025385b-12', '00 25 38'] },
      { name: 'sda', namespace: [] },
    ],
  });
});
