import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskPlan } from '#core';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InstallerController } from '../support/installer-controller.js';
import { LoopDisk, mib } from '../support/loop-disk.js';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));
const sizes = { rootSizeMib: 64, swapSizeMib: 64, kdumpSizeMib: 0, ephemeralSizeMib: 0, diskLayout: null };
const size = 512;
/** As the controller makes it; neither is whole MiB. */
const drives = { 512: randomBytes(3 * mib + 2048), 4096: randomBytes(5 * mib + 4096) };

let directory: string;
let controller: InstallerController;
let disk: LoopDisk;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-config-drive-'));
  controller = new InstallerController({ chunks: '/dev/null', list: '/dev/null' });
  controller.configDrives = drives;
  await controller.start();
});
afterEach(async () => {
  await controller.stop();
  await disk.remove();
  await rm(directory, { recursive: true });
});

/** The snippets as create.sh has them, for one disk. */
function run(commands: string, { url = `${controller.url}/config-drive` } = {}) {
  const plan = diskPlan(sizes, { bootMode: 'bios', fileSystem: 'ext4', imageMib: 50 });
  const script = `set -Eeuo pipefail
    for snippet in notify disks layout config-drive image installed-os whole-disk; do . '${snippets}/'$snippet.sh; done
    fail() { printf 'failed: %s\\n' "$*"; exit 1; }
    release_disks() { :; }
    # Not every kernel looks for partitions of a loop device by itself.
    reread_partitions() { partx --delete "$1" 2>/dev/null || true; partx --add "$1"; }
    DISKS=('${disk.path}') TARGET='${directory}'
    ${commands}
    rm -r "$WORK_DIR"`;
  const env = {
    TMPDIR: directory,
    INSTANCE_ID: 'instance-1',
    CONTROLLER_URL: controller.url,
    TOKEN: 'the-token',
    DISK_LAYOUT: JSON.stringify(plan),
    CONFIG_DRIVE_URL: url,
    IMAGE_ID: 'image-1',
    IMAGE_ROOT_PARTITION: '1',
    FETCH_ATTEMPTS: '3',
  };
  return execa('bash', ['-c', script], { reject: false, all: true, env });
}

interface Row {
  start: number;
  size: number;
  name?: string;
}

async function partitions(): Promise<Row[]> {
  const { stdout } = await execa('sfdisk', ['--json', disk.path]);
  return (JSON.parse(stdout) as { partitiontable: { partitions: Row[] } }).partitiontable.partitions;
}

/** What the last partition holds. */
async function lastPartition(sectorBytes: number): Promise<Buffer> {
  const rows = await partitions();
  const last = rows.reduce((one, other) => (other.start > one.start ? other : one));
  const content = await disk.content();
  return content.subarray(last.start * sectorBytes, (last.start + last.size) * sectorBytes);
}

const write = 'partition_disk; note_config_drive; write_config_drive';

describe('the config drive', () => {
  it.each([512, 4096] as const)(
    'is at the end of a disk with sectors of %d bytes, made for them, and nothing else is in its partition',
    async (sectorBytes) => {
      disk = await LoopDisk.make({ mib: size, sectorBytes });
      const result = await run(write);
      expect(result.exitCode, result.all).toBe(0);
      const found = await lastPartition(sectorBytes);
      const drive = drives[sectorBytes];
      expect(found.length).toBe(64 * mib);
      expect(found.subarray(0, drive.length).equals(drive)).toBe(true);
      expect(found.subarray(drive.length).every((byte) => byte === 0)).toBe(true);
      expect([...controller.tokens]).toEqual(['Bearer the-token']);
    },
  );

  it('is noted by the UUID of its partition', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    await run(write);
    const [noted] = (await readFile(join(directory, 'etc/dodai/config-drive'), 'utf8')).split('\n');
    const { stdout } = await execa('sgdisk', ['--info=6', disk.path]);
    expect(stdout.toLowerCase()).toContain(`unique guid: ${noted}`);
    expect(noted).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('that there is none of leaves zeros where one was', async () => {
    disk = await LoopDisk.make({ mib: size });
    expect((await run(write)).exitCode).toBe(0);
    const result = await run(write, { url: '' });
    expect(result.exitCode, result.all).toBe(0);
    expect((await lastPartition(512)).every((byte) => byte === 0)).toBe(true);
  });

  it('comes through a controller that is busy, and bytes that came damaged', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    controller.driveServings = ['busy', 'corrupt', 'whole'];
    const result = await run(write);
    expect(result.exitCode, result.all).toBe(0);
    expect((await lastPartition(512)).subarray(0, drives[512].length).equals(drives[512])).toBe(true);
  });

  it('that comes damaged each time is a failure', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    controller.driveServings = ['corrupt'];
    expect(await run(write)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/failed: the config drive that came has the digest \S+, expected \S+$/),
    });
  });

  it('that the disk does not keep is a failure', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    const spoil =
      'blockdev() { if [[ $1 == --flushbufs ]]; then printf x | dd of="$2" bs=1 seek=9 conv=notrunc,fsync status=none; fi; command blockdev "$@"; }';
    expect(await run(`${spoil}; ${write}`)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('the disk does not keep what it is given'),
    });
  });
});

describe('the config drive behind an image of a whole disk', () => {
  const grow = 'blkid() { command blkid "$@"; }; grow_partitions; note_config_drive; write_config_drive';

  async function expectDrive(): Promise<void> {
    const found = await lastPartition(512);
    expect(found.length).toBe(64 * mib);
    expect(found.subarray(0, drives[512].length).equals(drives[512])).toBe(true);
    const [root, last] = (await partitions()).toSorted((one, other) => one.start - other.start);
    expect((root?.start ?? 0) + (root?.size ?? 0)).toBe(last?.start);
  }

  it('with GPT: root grows up to it, and one that the image was taken with is gone', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    await execa('sgdisk', ['--new=1:1M:+50M', '--new=2:60M:+64M', '--change-name=2:config-2', disk.path]);
    const result = await run(grow);
    expect(result.exitCode, result.all).toBe(0);
    expect((await partitions()).map(({ name }) => name)).toEqual([undefined, 'config-2']);
    await expectDrive();
  });

  it('with MBR: in a primary partition that is free', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    await execa('sfdisk', [disk.path], { input: 'label: dos\nsize=50M, type=83\n' });
    const result = await run(grow);
    expect(result.exitCode, result.all).toBe(0);
    await expectDrive();
    expect(await readFile(join(directory, 'etc/dodai/config-drive'), 'utf8')).toMatch(/^[0-9a-f]{8}-02\n$/);
  });

  it('with MBR and no primary partition left: a failure, unless no config drive is wanted', async () => {
    disk = await LoopDisk.make({ mib: size, blank: true });
    await execa('sfdisk', [disk.path], { input: `label: dos\n${'size=50M, type=83\n'.repeat(4)}` });
    expect(await run(grow)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('has no free primary partition, which the config drive would take'),
    });
    const without = await run(grow, { url: '' });
    expect(without.exitCode, without.all).toBe(0);
    expect(without.stdout).toContain('no partition for a config drive');
  });
});
