import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeDiskPlan } from '#core';
import { projectRoot } from '#platform';
import { guestNetwork, type TemplateContext, TemplateRenderer } from '#templates';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InstallerController } from '../support/installer-controller.js';
import { LoopDisk, mib } from '../support/loop-disk.js';
import { StoredImage } from '../support/stored-image.js';

const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
const sizeMib = { ext4: 64, ext2: 64, xfs: 320, btrfs: 128 } as const;
type FileSystem = keyof typeof sizeMib;
const makers: Record<FileSystem, string[]> = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  ext2: ['mkfs.ext2', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q', '-f'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
};

let directory: string;
let disk: LoopDisk | undefined;
let image: StoredImage | undefined;
let controller: InstallerController | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dodai-image-kinds-'));
});
afterEach(async () => {
  await controller?.stop();
  await disk?.remove();
  await image?.remove();
  await rm(directory, { recursive: true, force: true });
  [controller, disk, image] = [undefined, undefined, undefined];
});

/**
 * Mounts in a namespace of its own: a program elsewhere on this host that gets a copy of all mounts (`ip netns exec` does) would
 * keep a file system mounted that was unmounted here, and unwritten.
 */
const withOwnMounts = ['unshare', ['--mount', 'bash']] as const;

/** Some files of an OS, as a file system of this type, or at an offset in a larger file. */
async function fileSystem(type: FileSystem, file: string, offset = 0): Promise<void> {
  await execa('truncate', [`--size=${offset + sizeMib[type] * mib}`, file]);
  const options = ['--find', '--show', `--offset=${offset}`, `--sizelimit=${sizeMib[type] * mib}`];
  const { stdout: device } = await execa('losetup', [...options, file]);
  const [maker = '', ...args] = makers[type];
  const root = join(directory, 'root');
  const mountPoint = join(directory, 'making');
  try {
    await execa(maker, [...args, device]);
    await smallOs(root);
    await mkdir(mountPoint, { recursive: true });
    const [program, options] = withOwnMounts;
    const fill = 'mount "$1" "$2"; cp --archive "$3/." "$2"; umount "$2"';
    await execa(program, [...options, '-euc', fill, 'fill', device, mountPoint, root]);
  } finally {
    await execa('losetup', ['--detach', device]);
  }
}

async function smallOs(root: string): Promise<void> {
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  await writeFile(join(root, 'etc/os-release'), 'ID=small\n');
  await execa('dd', ['if=/dev/urandom', `of=${join(root, 'large')}`, 'bs=1M', 'count=20', 'status=none']);
}

const setAttribute = (file: string) =>
  execa('python3', ['-c', 'import os, sys; os.setxattr(sys.argv[1], "user.kept", b"yes")', file]);

const digest = async (file: string) => (await execa('sha256sum', [file])).stdout.split(' ')[0];

/**
 * The functions of create.sh, as it is rendered for this image, and these steps of it; afterwards what `then` prints.
 * The root device is the whole disk, for the layout has tests of its own.
 */
async function install(
  context: Partial<TemplateContext<'create.sh'>>,
  content: string,
  steps: string,
  then = 'true',
) {
  const target = disk;
  if (!target) throw new Error('no disk');
  image = await StoredImage.of(content, { holes: context.imageKind !== 'tarball' });
  controller = new InstallerController(image.files);
  await controller.start();
  const { form } = image;
  const script = await renderer.render('create.sh', {
    instanceId: 'instance-1',
    controllerUrl: controller.url,
    token: 'the-token',
    imageId: 'image-1',
    imageKind: 'file_system',
    imageType: 'node',
    imageUrl: `${controller.url}/image`,
    imageChunksUrl: `${controller.url}/image/chunks`,
    imageChunksSha256: form.chunksSha256,
    imageCompressedBytes: form.compressedBytes,
    imageUncompressedBytes: form.uncompressedBytes,
    imageDataBytes: form.dataBytes,
    hostName: 'host-1',
    pxeMac: '52:54:00:00:00:01',
    network: guestNetwork({ network: null, nics: [{ role: 'pxe', mac: '52:54:00:00:00:01' }] }),
    bootMode: 'bios',
    diskPlan: wholeDiskPlan(Math.ceil(form.uncompressedBytes / mib)),
    ...context,
  });
  const functions = script.slice(0, script.indexOf('\nstart_steps install'));
  const [program, options] = withOwnMounts;
  return execa(
    program,
    [
      ...options,
      '-c',
      `${functions}
      list_disks() { printf '[{"name":"disk","path":"${target.path}","type":"disk","size":%d}]' "$(blockdev --getsize64 ${target.path})"; }
      choose_root() { ROOT_DEVICE=${target.path}; }
      make_root() { mkfs.ext4 -q -F "$ROOT_DEVICE"; }
      release_disks() { :; }
      spoil() { printf x >>"$TARGET/etc/os-release"; }
      # Not every kernel looks for partitions of a loop device by itself.
      reread_partitions() { partx --delete "$1" 2>/dev/null || true; partx --add "$1" 2>/dev/null || true; }
      start_steps install
      run_steps ${steps}
      stop_reporting
      ${then}
      [[ -z $TARGET ]] || umount "$TARGET"`,
    ],
    { reject: false, all: true, env: { TMPDIR: directory, NOTIFY_ATTEMPTS: '1', FETCH_ATTEMPTS: '1' } },
  );
}

const onDevice = 'choose_root:0 fetch_chunk_list:1 zero_holes:5 stream_image:10 read_back:50';
const look = 'findmnt --noheadings --bytes --output SIZE "$TARGET"; sha256sum <"$TARGET/large"';
/** Size of the mounted root file system, and the digest of its large file. */
const seen = (all: string | undefined) => {
  const [size, digestLine] = (all ?? '').trim().split('\n').slice(-2);
  return { sizeMib: Math.round(Number(size) / mib), digest: digestLine?.split(' ')[0] };
};

describe('an image of a file system', () => {
  it.each(['ext4', 'ext2', 'xfs', 'btrfs'] as const)(
    'of %s fills its device, and is one of its own',
    async (type) => {
      const content = join(directory, 'content');
      await fileSystem(type, content);
      const uuid = (await execa('blkid', ['--probe', '-s', 'UUID', '-o', 'value', content])).stdout;
      disk = await LoopDisk.make({ mib: 640, blank: true });
      const steps = `${onDevice} grow_root:60 renew_root_uuid:70 mount_root:80`;
      const result = await install({ readBack: 'full' }, content, steps, look);
      expect(result.exitCode, result.all).toBe(0);
      expect(seen(result.all).sizeMib).toBeGreaterThan(480);
      const renewed = (await execa('blkid', ['--probe', '-s', 'UUID', '-o', 'value', disk.path])).stdout;
      expect(renewed).toMatch(/^[0-9a-f-]{36}$/);
      expect(renewed).not.toBe(uuid);
    },
  );

  it('that is none of those is refused', async () => {
    const content = join(directory, 'content');
    await execa('truncate', ['--size=40M', content]);
    await execa('mkswap', [content]);
    disk = await LoopDisk.make({ mib: 64 });
    const result = await install({}, content, `${onDevice} grow_root:60`);
    expect(result.exitCode).toBe(1);
    expect(result.all).toContain(
      'the root file system of image image-1 is swap, not ext2, ext3, ext4, XFS or Btrfs',
    );
  });
});

describe('an image that is a tarball', () => {
  const steps = 'choose_root:0 make_root:5 mount_root:7 fetch_chunk_list:8 stream_image:10 read_back:60';

  async function tarball(): Promise<string> {
    const root = join(directory, 'root');
    await smallOs(root);
    await execa('chown', ['1234:4321', join(root, 'large')]);
    await setAttribute(join(root, 'large'));
    await execa('ln', [join(root, 'large'), join(root, 'linked')]);
    const file = join(directory, 'content');
    await execa('tar', ['--create', '--xattrs', `--file=${file}`, `--directory=${root}`, '.']);
    return file;
  }

  it('is unpacked with owners, links and attributes, and compared', async () => {
    disk = await LoopDisk.make({ mib: 200 });
    const content = await tarball();
    const then = `stat --format '%u %g %h' "$TARGET/large"; python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.kept").decode())' "$TARGET/large"; ${look}`;
    const result = await install({ imageKind: 'tarball', readBack: 'full' }, content, steps, then);
    expect(result.exitCode, result.all).toBe(0);
    expect(result.all).toContain('image: read back (full), the files are those of the image');
    expect(result.all).toContain('\n1234 4321 2\nyes\n');
    expect(seen(result.all).digest).toBe(await digest(join(directory, 'root/large')));
  });

  it('whose files are others on the disk is a failure', async () => {
    disk = await LoopDisk.make({ mib: 200 });
    const spoilt = steps.replace('read_back', 'spoil:50 read_back');
    const result = await install({ imageKind: 'tarball', readBack: 'full' }, await tarball(), spoilt);
    expect(result.exitCode).toBe(1);
    expect(result.all).toMatch(/comparing with the image failed: .*os-release: (Mod time|Size) differs/s);
  });

  it('that does not fit says what tar said', async () => {
    disk = await LoopDisk.make({ mib: 20 });
    const result = await install({ imageKind: 'tarball' }, await tarball(), steps);
    expect(result.exitCode).toBe(1);
    expect(result.all).toMatch(/unpacking the image failed: .*No space left on device/s);
  });
});

describe('an image of a whole disk', () => {
  const steps =
    'choose_disk:0 check_sectors:1 clear_disk:2 fetch_chunk_list:3 zero_holes:5 stream_image:10 read_back:50 ' +
    'grow_partitions:60 grow_root:70 mount_root:80';

  /** A disk with a small partition, and then the one of the root file system. */
  async function wholeDisk(type: FileSystem, table: 'gpt' | 'dos'): Promise<string> {
    const file = join(directory, 'content');
    await fileSystem(type, file, 4 * mib);
    await execa('truncate', ['--size=+1M', file]);
    const script = `label: ${table}\n1 : start=1MiB, size=2MiB\n2 : start=4MiB, size=${sizeMib[type]}MiB\n`;
    await execa('sfdisk', ['--quiet', '--no-reread', '--wipe=never', '--wipe-partitions=never', file], {
      input: script,
    });
    return file;
  }

  it.each([
    ['gpt', 'ext4', 2],
    ['dos', 'ext4', null],
    ['gpt', 'xfs', null],
    ['gpt', 'btrfs', 2],
  ] as const)('with a %s table and %s grows with the disk', async (table, type, imageRootPartition) => {
    disk = await LoopDisk.make({ mib: 640, blank: true });
    const content = await wholeDisk(type, table);
    const uuid = await execa('sfdisk', ['--disk-id', content]);
    const context = { imageKind: 'disk', imageRootPartition, readBack: 'full' } as const;
    const result = await install(context, content, steps, look);
    expect(result.exitCode, result.all).toBe(0);
    expect(seen(result.all).sizeMib).toBeGreaterThan(480);
    expect((await execa('sfdisk', ['--disk-id', disk.path])).stdout).toBe(uuid.stdout);
    expect((await execa('sfdisk', ['--verify', disk.path])).stdout).toContain('No errors detected');
  });

  it('larger than the disk, or made for other sectors, is refused before anything is written', async () => {
    disk = await LoopDisk.make({ mib: 40 });
    const content = await wholeDisk('ext4', 'gpt');
    const tooLarge = await install({ imageKind: 'disk' }, content, steps);
    expect(tooLarge.all).toMatch(/no disk has the \d+ bytes .* 41943040 bytes/);
    await disk.remove();
    disk = await LoopDisk.make({ mib: 200 });
    const before = await disk.content();
    const other = await install({ imageKind: 'disk', imageSectorBytes: 4096 }, content, steps);
    expect(other.all).toMatch(
      /made for disks with sectors of 4096 bytes, \/dev\/loop\d+ has sectors of 512 bytes/,
    );
    expect((await disk.content()).equals(before)).toBe(true);
  });
});
