import { execa } from 'execa';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DiskLayout, diskPlan } from '#core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoopDisk, mib } from '../support/loop-disk.js';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));
const sizes = { rootSizeMib: 128, swapSizeMib: 64, kdumpSizeMib: 64, ephemeralSizeMib: 0 };

let directory: string;
let disk: LoopDisk;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-layout-script-'));
});

afterEach(async () => {
  await disk.remove();
  await rm(directory, { recursive: true });
});

/** The snippets as create.sh has them, for one disk; whatever else this host has on its disks stays as it is. */
function run(commands: string, diskLayout: DiskLayout | null = null, fileSystem: string | null = 'ext4') {
  const plan = diskPlan({ ...sizes, diskLayout }, { bootMode: 'bios', fileSystem, imageMib: 100 });
  const script = `set -Eeuo pipefail
    export LC_ALL=C
    fail() { printf 'failed: %s\\n' "$*"; exit 1; }
    for snippet in disks config-drive layout root installed-os fresh-os layout-files; do . '${snippets}/'$snippet.sh; done
    release_disks() { :; }
    # Not every kernel looks for partitions of a loop device by itself.
    reread_partitions() { partx --delete "$1" 2>/dev/null || true; partx --add "$1"; }
    DISKS=('${disk.path}') TARGET='${directory}'
    ${commands}`;
  const env = {
    DISK_LAYOUT: JSON.stringify(plan),
    IMAGE_ID: 'image-1',
    IMAGE_UNCOMPRESSED_BYTES: String(100 * mib),
  };
  return execa('bash', ['-c', script], { reject: false, all: true, env });
}

interface Row {
  node: string;
  start: number;
  size: number;
  name: string;
}

async function table(): Promise<{ sectorBytes: number; partitions: Row[] }> {
  const { stdout } = await execa('sfdisk', ['--json', disk.path]);
  const { sectorsize, partitions } = (
    JSON.parse(stdout) as { partitiontable: { sectorsize: number; partitions: Row[] } }
  ).partitiontable;
  return { sectorBytes: sectorsize, partitions };
}

async function typeOf(partition: number): Promise<string> {
  const { stdout } = await execa('blkid', [
    '--probe',
    '--match-tag',
    'TYPE',
    '--output',
    'value',
    `${disk.path}p${partition}`,
  ]);
  return stdout;
}

describe.each([512, 4096] as const)('on a disk with sectors of %d bytes', (sectorBytes) => {
  beforeEach(async () => {
    disk = await LoopDisk.make({ mib: 1024, blank: true, sectorBytes });
  });

  it('partitions are where and as large as the plan says, and hold what they are for', async () => {
    const result = await run('partition_disk; make_root_file_system; printf "root %s\\n" "$ROOT_DEVICE"');
    expect(result.exitCode, result.all).toBe(0);
    expect(result.stdout).toContain(`root ${disk.path}p2`);
    const { partitions, sectorBytes: found } = await table();
    expect(found).toBe(sectorBytes);
    const inMib = partitions.map(({ name, start, size }) => [
      name,
      (start * sectorBytes) / mib,
      (size * sectorBytes) / mib,
    ]);
    expect(inMib).toEqual([
      ['bios-boot', 1, 5],
      ['root', 6, 128],
      ['swap', 134, 64],
      ['kdump', 198, 64],
      ['ephemeral', 262, 1024 - 262 - 65],
      ['config-2', 1024 - 65, 64],
    ]);
    expect(await Promise.all([2, 3, 4, 5].map(typeOf))).toEqual(['ext4', 'swap', 'ext4', 'ext4']);
  });

  it('it can be done again, with another layout, and nothing of the first one is found', async () => {
    expect((await run('partition_disk')).exitCode).toBe(0);
    const only: DiskLayout = { partitions: [{ use: 'root', sizeMib: 'rest' }] };
    const result = await run('partition_disk; wipefs --noheadings "$ROOT_DEVICE"; echo "none"', only, 'ext3');
    expect(result.exitCode, result.all).toBe(0);
    expect(result.stdout.split('\n').at(-1)).toBe('none');
    expect((await table()).partitions.map(({ name }) => name)).toEqual(['bios-boot', 'root', 'config-2']);
    expect(await execa('wipefs', ['--noheadings', `${disk.path}p2`])).toMatchObject({ stdout: '' });
  });

  it('what fails leaves a disk without boot code and without a root', async () => {
    const result = await run('partition_disk; make_root_file_system; make_unbootable');
    expect(result.exitCode, result.all).toBe(0);
    expect(await execa('wipefs', ['--noheadings', `${disk.path}p2`])).toMatchObject({ stdout: '' });
  });
});

describe('what the OS is told of its disk', () => {
  beforeEach(async () => {
    disk = await LoopDisk.make({ mib: 1024, blank: true });
  });

  it('is in fstab, with what the image mounts without a disk', async () => {
    const image = `mkdir -p "$TARGET/etc"
      printf 'UUID=1 / ext4 defaults 0 1\\nnone /scratch tmpfs size=1g 0 0\\n' >"$TARGET/etc/fstab"`;
    const result = await run(
      `${image}; partition_disk; make_root_file_system; write_fstab; write_keys; write_arrays`,
    );
    expect(result.exitCode, result.all).toBe(0);
    const fstab = await readFile(join(directory, 'etc/fstab'), 'utf8');
    expect(
      fstab
        .replaceAll(/[0-9a-f-]{36}/g, 'ID')
        .split('\n')
        .slice(1),
    ).toEqual([
      'UUID=ID / ext4 errors=remount-ro 0 1',
      'UUID=ID none swap sw,nofail 0 0',
      'UUID=ID /mnt ext4 defaults,nofail,x-systemd.before=local-fs.target 0 2',
      'none /scratch tmpfs size=1g 0 0',
      '',
    ]);
    await expect(stat(join(directory, 'etc/crypttab'))).rejects.toThrow('ENOENT');
  });

  it('does not include volumes that its image cannot put together: that is a failure with the package', async () => {
    const layout: DiskLayout = { raid1: true, partitions: [{ use: 'root', sizeMib: 'rest' }] };
    const result = await run('has_program() { [[ $1 != mdadm ]]; }; check_that_os_has_what_it_takes', layout);
    expect(result).toMatchObject({
      exitCode: 1,
      stdout:
        'failed: image image-1 has no mdadm, and in the disk layout of this machine its disks are mirrored: use an image that has it (Debian package mdadm), or another layout',
    });
  });

  it('is nothing when the image is larger than its root: nothing is touched', async () => {
    const result = await run('IMAGE_UNCOMPRESSED_BYTES=$((129 << 20)); check_that_image_fits');
    expect(result).toMatchObject({
      exitCode: 1,
      stdout: `failed: image image-1 has ${129 * mib} bytes, its root file system only 128 MiB`,
    });
  });
});
