import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageLibrary } from '#images';
import { importBytes, openLibrary, run, sha256, written } from '../support/image-sources.js';

const MiB = 1024 * 1024;
const diskBytes = 12 * MiB;
let scratch: string;
let directory: string;
let library: ImageLibrary;
/** A whole disk, and a bare file system. */
let disk: string;
let fileSystem: string;
let count = 0;

const fresh = (name: string) => join(scratch, `${++count}-${name}`);
const qemu = (...args: string[]) => run('qemu-img', args);

async function convert(source: string, format: string, options: string[] = []): Promise<string> {
  const file = fresh(`image.${format}`);
  await qemu('convert', '-f', 'raw', '-O', format, ...options, source, file);
  return file;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dodai-disks-'));
  fileSystem = join(scratch, 'root.ext4');
  await run('mke2fs', ['-q', '-t', 'ext4', fileSystem, '4M']);
  disk = join(scratch, 'disk.raw');
  await writeFile(disk, Buffer.alloc(diskBytes));
  await run('sgdisk', ['--new=1:2048:10239', disk]);
  const handle = await open(disk, 'r+');
  await handle.write(await readFile(fileSystem), 0, 4 * MiB, MiB);
  await handle.write(randomBytes(3 * MiB), 0, 3 * MiB, 6 * MiB);
  await handle.close();
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(scratch, 'library-'));
  library = await openLibrary(directory);
});

const containers: [called: string, format: string, qemuFormat: string, options: string[]][] = [
  ['qcow2', 'qcow2', 'qcow2', []],
  ['qcow2 of old', 'qcow2', 'qcow2', ['-o', 'compat=0.10']],
  ['qcow2, compressed', 'qcow2', 'qcow2', ['-c']],
  ['qcow2, compressed with zstd', 'qcow2', 'qcow2', ['-c', '-o', 'compression_type=zstd']],
  ['sparse VMDK', 'vmdk', 'vmdk', ['-o', 'subformat=monolithicSparse']],
  ['VMDK for streaming', 'vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
  ['VHD that grows', 'vhd', 'vpc', ['-o', 'subformat=dynamic,force_size=on']],
  ['VHD of fixed size', 'vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']],
  ['VHDX', 'vhdx', 'vhdx', []],
  ['VDI', 'vdi', 'vdi', []],
  ['VDI of fixed size', 'vdi', 'vdi', ['-o', 'static=on']],
];

describe('a whole disk is imported', () => {
  it('as it is', async () => {
    const stored = await importBytes(library, await readFile(disk));
    expect(stored).toMatchObject({
      kind: 'disk',
      format: 'raw',
      fileSystem: null,
      uncompressedBytes: diskBytes,
      sourceSha256: sha256(await readFile(disk)),
    });

    expect(stored.dataBytes).toBeLessThan(diskBytes);
    expect((await written(library, stored)).equals(await readFile(disk))).toBe(true);
  });

  it.each(containers)('out of a %s', async (_called, format, qemuFormat, options) => {
    library = await openLibrary(directory, { maxBytes: 32 * MiB }); // a VHDX has 24 MiB at least
    const source = await readFile(await convert(disk, qemuFormat, options));
    const stored = await importBytes(library, source);
    expect(stored).toMatchObject({ kind: 'disk', format, fileSystem: null, sourceSha256: sha256(source) });
    expect((await written(library, stored)).subarray(0, diskBytes).equals(await readFile(disk))).toBe(true);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('out of a qcow2 that is compressed as a whole', async () => {
    const { stdout } = await execa('xz', ['-0', '-c', await convert(disk, 'qcow2')], { encoding: 'buffer' });
    expect(await importBytes(library, Buffer.from(stdout))).toMatchObject({ kind: 'disk', format: 'qcow2' });
  });

  it('with an MBR', async () => {
    const file = fresh('mbr');
    await writeFile(file, Buffer.alloc(4 * MiB));
    await execa('sfdisk', ['--quiet', file], { input: 'label: dos\n2048,4096,83,*\n' });
    expect(await importBytes(library, await readFile(file))).toMatchObject({ kind: 'disk', format: 'raw' });
  });

  it('with snapshots that are not looked at', async () => {
    const file = await convert(disk, 'qcow2');
    await qemu('snapshot', '-c', 'before', file);
    expect(await importBytes(library, await readFile(file))).toMatchObject({ kind: 'disk' });
  });
});

describe('a file system is imported', () => {
  it.each(['qcow2', 'vpc'])('out of a %s disk image that has no partitions', async (format) => {
    const options = format === 'vpc' ? ['-o', 'subformat=fixed,force_size=on'] : [];
    const source = await readFile(await convert(fileSystem, format, options));
    const stored = await importBytes(library, source);
    expect(stored).toMatchObject({ kind: 'file_system', fileSystem: 'ext4', uncompressedBytes: 4 * MiB });
  });

  it.each([
    ['xfs', 'mkfs.xfs', ['-q'], 300],
    ['btrfs', 'mkfs.btrfs', ['-q'], 120],
  ])('that is %s', async (type, program, args, sizeMib) => {
    library = await openLibrary(directory, { maxBytes: 512 * MiB });
    const file = fresh(type);
    await writeFile(file, '');
    await truncate(file, sizeMib * MiB);
    await run(program, [...args, file]);
    const stored = await importBytes(library, await readFile(file));
    expect(stored).toMatchObject({ kind: 'file_system', fileSystem: type, uncompressedBytes: sizeMib * MiB });
    expect(stored.dataBytes).toBeLessThan(100 * MiB);
  });
});

describe('a tarball', () => {
  async function tree(...paths: string[]): Promise<string> {
    const folder = fresh('tree');
    for (const path of paths) await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, paths[0] ?? '', 'file'), randomBytes(200_000));
    return folder;
  }
  const pack = async (folder: string, ...args: string[]) =>
    Buffer.from((await execa('tar', ['-c', '-C', folder, ...args], { encoding: 'buffer' })).stdout);

  it.each(['gnu', 'pax', 'ustar', 'v7'])(
    'of a root file system is imported: tar --format=%s',
    async (format) => {
      const archive = await pack(await tree('etc', 'usr/bin'), `--format=${format}`, '.');
      const stored = await importBytes(library, archive);
      expect(stored).toMatchObject({
        kind: 'tarball',
        format: 'tar',
        fileSystem: null,
        uncompressedBytes: archive.length,
        dataBytes: archive.length, // it is read as one stream: also its zeros are there
      });
      expect((await written(library, stored)).equals(archive)).toBe(true);
    },
  );

  it('may be compressed, and may have its paths from the root', async () => {
    const archive = await pack(await tree('etc', 'bin'), '--transform=s,^,/,', '-P', 'etc', 'bin');
    const { stdout } = await execa('gzip', ['-c'], { input: archive, encoding: 'buffer' });
    expect(await importBytes(library, Buffer.from(stdout))).toMatchObject({ kind: 'tarball' });
  });

  it.each([
    ['of a folder that has it', ['root/etc', 'root/usr'], ['.'], 'it has root at its top', '-C root'],
    ['of something else', ['src', 'docs'], ['.'], 'no root file system', 'Pack what is in the folder'],
    ['of docker save', ['blobs', 'manifest.json'], ['.'], 'docker save', 'docker export'],
    ['of nothing', ['x'], ['-T', '/dev/null'], 'nothing', 'zeros'],
    [
      'that leads out',
      ['etc', 'usr'],
      ['-P', '--transform=s,^./,../../,', './etc', './usr'],
      'leads out of it',
      'anew',
    ],
  ])('%s is refused', async (_what, paths, args, said, remedy) => {
    const archive = await pack(await tree(...paths), ...args);
    const importing = importBytes(library, archive);
    if (remedy === 'zeros')
      await expect(importing).rejects.toMatchObject({ message: expect.stringContaining(remedy) });
    else
      await expect(importing).rejects.toMatchObject({
        code: 'image-invalid',
        message: expect.stringContaining(said),
        remedy: expect.stringContaining(remedy),
      });
    expect(await readdir(directory)).toEqual([]);
  });

  it('that was cut short is refused', async () => {
    const archive = await pack(await tree('etc', 'usr'), '.');
    await expect(importBytes(library, archive.subarray(0, 100_000))).rejects.toMatchObject({
      code: 'image-invalid',
      message: expect.stringContaining('tar cannot read'),
    });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('a disk image that is refused leaves nothing behind:', () => {
  const refused = async (source: Buffer, error: object) => {
    await expect(importBytes(library, source)).rejects.toMatchObject(error);
    expect(await readdir(directory)).toEqual([]);
  };
  const invalid = (said: string, remedy = '') => ({
    code: 'image-invalid',
    message: expect.stringContaining(said),
    remedy: expect.stringContaining(remedy),
  });

  it('one with another digest, before it is converted', async () => {
    library = await openLibrary(directory, { convertMs: 1 }); // it would not be in time
    const source = await readFile(await convert(disk, 'qcow2'));
    await expect(importBytes(library, source, 'a'.repeat(64))).rejects.toMatchObject({
      code: 'image-checksum-mismatch',
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it.each<[string, string, (file: string) => Promise<unknown>]>([
    [
      'that needs a backing file',
      'needs a backing file',
      (file) => qemu('create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'raw', file),
    ],
    ['whose disk is too large', 'too large', (file) => qemu('create', '-q', '-f', 'qcow2', file, '17M')],
    ['that is a web page', 'a web page', (file) => writeFile(file, `<html>${' '.repeat(200_000)}`)],
  ])('one %s, before the rest of it comes', async (_what, said, make) => {
    const file = fresh('begun');
    await make(file);
    const data = await readFile(file);
    async function* beginning() {
      yield data.subarray(0, 128 * 1024);
      await new Promise(() => undefined);
    }
    const source = Readable.from(beginning(), { objectMode: false });
    await expect(library.import(source, { expectedBytes: data.length })).rejects.toThrow(said);
    expect(await readdir(directory)).toEqual([]);
  });

  it('one with a backing file', async () => {
    const file = fresh('child.qcow2');
    await qemu('create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'raw', file);
    await refused(await readFile(file), invalid(`needs a backing file (${disk.slice(0, 20)}`, 'whole.qcow2'));
  });

  it('a VMDK with a parent', async () => {
    const [parent, file] = [await convert(disk, 'vmdk'), fresh('child.vmdk')];
    await qemu('create', '-q', '-f', 'vmdk', '-b', parent, '-F', 'vmdk', file);
    await refused(await readFile(file), invalid('needs its parent', 'whole.qcow2'));
  });

  it('one whose content is in another file', async () => {
    const [data, file] = [fresh('data'), fresh('outside.qcow2')];
    await qemu('create', '-q', '-f', 'qcow2', '-o', `data_file=${data},data_file_raw=on`, file, '12M');
    await refused(await readFile(file), invalid('whose content is in another file', 'whole.qcow2'));
  });

  it('a VMDK of several files, and each of its parts', async () => {
    const file = fresh('flat.vmdk');
    await qemu('convert', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', disk, file);
    await refused(await readFile(file), invalid('whose content is in other files', 'whole.qcow2'));
    const sparse = fresh('split.vmdk');
    await qemu('convert', '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', disk, sparse);
    const part = await readFile(sparse.replace('.vmdk', '-s001.vmdk'));
    await refused(part, invalid('a part of a VMDK', 'whole.qcow2'));
  });

  it('one that is encrypted', async () => {
    const file = fresh('secret.qcow2');
    // Not LUKS: to make one, qemu-img measures processor time and gives up where the clock is too coarse.
    const secret = ['--object', 'secret,id=key,data=abc', '-o', 'encrypt.format=aes,encrypt.key-secret=key'];
    await qemu('create', '-q', '-f', 'qcow2', ...secret, file, '12M');
    await refused(await readFile(file), invalid('encrypted', 'without encryption'));
  });

  it('one whose disk is too large, before anything is converted', async () => {
    const file = fresh('large.qcow2');
    await qemu('create', '-q', '-f', 'qcow2', file, '17M');
    await refused(await readFile(file), {
      code: 'image-too-large',
      message: expect.stringContaining('a qcow2 disk image of 17825792 bytes'),
    });
    await qemu('create', '-q', '-f', 'vhdx', file, '17M'); // which says it further in
    await refused(await readFile(file), { code: 'image-too-large' });
  });

  it('one that is damaged', async () => {
    const source = await readFile(await convert(disk, 'qcow2'));
    source.fill(0xff, 2 * 65_536, 4 * 65_536);
    await refused(source, invalid('qemu-img cannot read', 'qemu-img check'));
  });

  it.each(containers)('a %s that was cut short', async (_called, _format, qemuFormat, options) => {
    library = await openLibrary(directory, { maxBytes: 32 * MiB });
    const source = await readFile(await convert(disk, qemuFormat, options));
    await refused(source.subarray(0, (source.length * 2) / 3), { code: 'image-invalid' });
  });

  it('one within another', async () => {
    const inner = await convert(disk, 'qcow2');
    await refused(
      await readFile(await convert(inner, 'qcow2')),
      invalid('what is in a qcow2 disk image is a qcow2 disk image'),
    );
  });

  it('one with an archive inside', async () => {
    const archive = fresh('tar');
    await run('tar', ['-cf', archive, '-C', scratch, 'root.ext4']);
    await refused(await readFile(await convert(archive, 'qcow2')), invalid('is a tar archive', 'Take out'));
  });

  it('one with nothing inside', async () => {
    const file = fresh('empty.qcow2');
    await qemu('create', '-q', '-f', 'qcow2', file, '12M');
    await refused(await readFile(file), invalid('nothing but zeros'));
  });

  it('one that takes too long', async () => {
    library = await openLibrary(directory, { convertMs: 1 });
    await refused(await readFile(await convert(disk, 'qcow2')), {
      ...invalid('was not converted within 0.001 seconds', 'DODAI_IMAGE_CONVERT_S'),
      context: { field: 'body', setting: 'DODAI_IMAGE_CONVERT_S' },
    });
  });

  it('one for which the disk has no space', async () => {
    directory = await mkdtemp(join(scratch, 'small-'));
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', directory]);
    try {
      library = await openLibrary(directory);
      const source = await readFile(await convert(disk, 'qcow2', ['-c']));
      await refused(source, { code: 'disk-full' });
    } finally {
      await execa('umount', [directory]);
    }
  });

  it('a raw disk that was cut short', async () => {
    const { size } = await stat(disk);
    await refused((await readFile(disk)).subarray(0, size - MiB), invalid('cut short'));
  });
});
