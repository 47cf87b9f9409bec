import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Image } from '#core';
import { AddressPolicy, ImageCache, ImageDownloads, ImageLibrary, ImageTrees } from '#images';
import { createLogger, SystemClock } from '#platform';
import { debianNetboot, iso, ubuntuIso } from '../support/boot-media.js';
import { inspect, notOk } from '../support/image-inspection.js';
import { imageTools } from '../support/image-sources.js';
import { elfHeader, type Files, ImageBench } from '../support/image-tree.js';

let bench: ImageBench;
let folder: string;
let library: ImageLibrary;
let trees: ImageTrees;

const tools = imageTools({ maxBytes: 64 * 1024 ** 2 });

beforeAll(async () => {
  bench = await ImageBench.make();
});
afterAll(() => bench.remove());
beforeEach(async () => {
  folder = bench.path('images');
  library = await ImageLibrary.open(folder, tools);
  trees = treesOn(library);
});

function treesOn(files: ImageLibrary): ImageTrees {
  const [clock, { signal }] = [new SystemClock(), new AbortController()];
  const catalogue = {
    entries: async () => [],
    used: async () => undefined,
    repacked: async (image: Image) => image,
  };
  const cache = new ImageCache(files, catalogue, new ImageDownloads(new AddressPolicy([])), {
    policy: { removeUnused: true, unusedMs: 0, strayMs: 0, maxBytes: undefined },
    clock,
    logger: createLogger({ level: 'silent', pretty: false }),
    signal,
    tell: async () => undefined,
  });
  return new ImageTrees(cache, files, tools, { clock, signal });
}

async function imported(file: string): Promise<Image> {
  const stored = await library.import(createReadStream(file), {});
  library.release(stored);
  const of = { id: stored.sha256, name: 'medium', sourceUrl: null, defaultUser: null, install: null };
  return { ...stored, ...of, lastUsedAt: null, createdAt: new Date() };
}

const textOf = async (image: Image, path: string) =>
  (await readFile((await trees.open(image, path)).file)).toString();
const tarOf = async (files: Files) => bench.tar(await bench.plainTree(files));
const isoOf = async (files: Files) => iso(bench, await bench.plainTree(files));

describe('the files in an image are unpacked', () => {
  it.each([
    ['a tarball', () => tarOf(debianNetboot), 'debian-installer/amd64/initrd.gz', 'ldlinux.c32', 'loader'],
    ['an ISO', () => isoOf(ubuntuIso), 'casper/initrd', 'ubuntu/casper/initrd', 'initrd'],
  ])('of %s, links in it included', async (_what, make, path, linked, content) => {
    const image = await imported(await make());
    expect(await textOf(image, path)).toBe('initrd');
    expect(await textOf(image, linked)).toBe(content);
  });

  it('of an ISO byte by byte', async () => {
    const image = await imported(await isoOf(ubuntuIso));
    const { file, sizeBytes } = await trees.open(image, 'casper/filesystem.squashfs');
    expect(sizeBytes).toBe(3_000_000);
    expect((await readFile(file)).equals(ubuntuIso['casper/filesystem.squashfs'])).toBe(true);
  });

  it('once, however many ask for them', async () => {
    const image = await imported(await isoOf(ubuntuIso));
    const folders = await Promise.all(Array.from({ length: 8 }, () => trees.prepare(image)));
    const { ino } = await stat(folders[0] ?? '');
    expect(new Set(folders).size).toBe(1);
    await trees.open(image, 'casper/initrd');
    expect((await stat(folders[0] ?? '')).ino).toBe(ino);
    expect((await readdir(folder)).sort()).toEqual(
      ['chunks', 'tree', 'zst'].map((suffix) => `${image.sha256}.${suffix}`),
    );
  });

  it('and count as the image does, with which they go', async () => {
    const image = await imported(await isoOf(ubuntuIso));
    const before = (await library.files())[0]?.bytes ?? 0;
    await trees.prepare(image);
    expect((await library.files())[0]?.bytes).toBeGreaterThan(before + 3_000_000);
    expect(await library.removeUnlessHeld(image)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    await expect(trees.open(image, 'casper/initrd')).rejects.toMatchObject({ code: 'image-not-found' });
  });

  it('not by half: what a crash left is gone at the next start', async () => {
    const image = await imported(await isoOf(ubuntuIso));
    await mkdir(join(folder, 'incoming-dead', 'tree', 'casper'), { recursive: true });
    library = await ImageLibrary.open(folder, tools);
    trees = treesOn(library);
    expect(await textOf(image, 'casper/initrd')).toBe('initrd');
    expect((await readdir(folder)).filter((name) => name.startsWith('incoming'))).toEqual([]);
  });

  it('of no image of a disk', async () => {
    const image = await imported(await bench.ext(await bench.tree()));
    await expect(trees.open(image, 'etc/passwd')).rejects.toMatchObject({ code: 'image-unsuitable' });
    expect((await readdir(folder)).filter((name) => name.includes('incoming'))).toEqual([]);
  });
});

describe('a path that there is not says what there is:', () => {
  it.each([
    [
      'casper/vmlinux',
      'its folder /casper has filesystem.squashfs, hwe-initrd, hwe-vmlinuz, initrd, vmlinuz.',
    ],
    ['casper', 'its folder /casper has'],
    ['install/vmlinuz', 'its folder / has .disk, boot, casper, ubuntu.'],
    ['casper/initrd/x', 'its folder /casper has'],
    ['../../../etc/passwd', 'its folder / has'],
    ['x'.repeat(300), 'its folder / has'],
    ['a\0b', 'its folder / has'],
  ])('%s', async (path, says) => {
    const image = await imported(await isoOf(ubuntuIso));
    const refused = trees.open(image, path);
    await expect(refused).rejects.toMatchObject({
      code: 'not-found',
      remedy: expect.stringContaining('casper/vmlinuz with casper/initrd'),
    });
    await expect(refused).rejects.toThrow(says);
  });
});

describe('an image that is made to harm gets nothing:', () => {
  it.each([
    ['tarball', (tree: string) => bench.tar(tree)],
    ['ISO', (tree: string) => iso(bench, tree)],
  ])('links lead out of no %s, and nothing is left of devices and owners', async (_what, pack) => {
    await writeFile(join(bench.folder, 'secret'), 'secret');
    const tree = await bench.plainTree({ ...debianNetboot, 'd/x': '1' });
    await symlink(join(bench.folder, 'secret'), join(tree, 'out'));
    await symlink('/', join(tree, 'root'));
    await symlink('../../../../../../../../../../etc', join(tree, 'etc'));
    await symlink('loop', join(tree, 'loop'));
    await execa('mkfifo', [join(tree, 'pipe')]);
    await execa('mknod', [join(tree, 'null'), 'c', '1', '3']);
    await execa('chmod', ['6755', join(tree, 'd/x')]);
    await execa('chmod', ['0700', join(tree, 'd')]);
    const image = await imported(await pack(tree));
    const place = await trees.prepare(image);
    for (const path of [
      'out',
      'root/etc/passwd',
      'etc/passwd',
      'loop',
      'pipe',
      'null',
      `root${bench.folder}/secret`,
    ])
      await expect(trees.open(image, path)).rejects.toMatchObject({ code: 'not-found' });
    expect((await stat(join(place, 'd/x'))).mode & 0o7777).toBe(0o644);
    expect(await readdir(place)).not.toContain('pipe');
    expect(await readdir(place)).not.toContain('null');
    expect(await textOf(image, 'd/x')).toBe('1');
  });

  /** Two names of one length, of which one becomes the other in the directory of the ISO. */
  async function renamed(files: Files, from: string, to: string): Promise<string> {
    const file = await iso(bench, await bench.plainTree({ ...debianNetboot, ...files }));
    const bytes = await readFile(file);
    const [entry, wanted] = [from, to].map((name) =>
      Buffer.from(`NM${String.fromCharCode(5 + name.length)}\x01\0${name}`, 'latin1'),
    );
    const at = bytes.indexOf(entry ?? '');
    expect(at).toBeGreaterThan(0);
    wanted?.copy(bytes, at);
    await writeFile(file, bytes);
    return file;
  }

  it.each([
    ['a folder that is called ..', 'dd', '..'],
    ['a folder that is called as a link is', 'dd', 'de'],
    ['a name with a path in it', 'pqrst', '../..'],
    ['a name with a path below a link', 'pqrst', 'de/rs'],
  ])('an ISO with %s', async (_what, from, to) => {
    const outside = bench.path('outside');
    await mkdir(outside);
    const files = { 'dd/file': 'evil', pqrst: 'evil', de: { link: outside } };
    const image = await imported(await renamed(files, from, to));
    await trees
      .prepare(image)
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'image-invalid' }));
    expect(await readdir(outside)).toEqual([]);
    for (const name of await readdir(folder)) expect(name).toMatch(/^[0-9a-f]{64}\.(zst|chunks|tree)$/);
  });

  it('an ISO whose names look like the words of xorriso', async () => {
    const outside = bench.path('outside');
    await mkdir(outside);
    const forged = `File data lba:  0 ,       38 ,        1 ,       39 , '`;
    const tree = await bench.plainTree({ ...debianNetboot, [`x\n${forged}`]: { link: outside } });
    await symlink(outside, join(tree, 'out'));
    const image = await imported(await iso(bench, tree, '-joliet-long'));
    await trees.prepare(image);
    expect(await readdir(outside)).toEqual([]);
    expect(await textOf(image, 'version.info')).toContain('12 (bookworm)');
  });

  it('a tarball that writes through a link of its own', async () => {
    const outside = bench.path('outside');
    await mkdir(outside);
    const [one, two] = [
      await bench.plainTree({ ...debianNetboot, way: { link: outside } }),
      bench.path('two'),
    ];
    await mkdir(join(two, 'way'), { recursive: true });
    await writeFile(join(two, 'way', 'file'), 'evil');
    const archive = await bench.tar(one);
    await execa('tar', ['--append', `--file=${archive}`, 'way/file'], { cwd: two });
    const image = await imported(archive);
    await trees
      .prepare(image)
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'image-invalid' }));
    expect(await readdir(outside)).toEqual([]);
  });

  it('a file without end', async () => {
    const tree = await bench.plainTree(debianNetboot);
    await execa('truncate', ['--size=1T', join(tree, 'sparse')]);
    const image = await imported(await bench.tar(tree, '--sparse'));
    await expect(trees.prepare(image)).rejects.toMatchObject({ code: 'image-invalid' });
    expect((await readdir(folder)).sort()).toEqual([`${image.sha256}.chunks`, `${image.sha256}.zst`]);
  });

  it('an ISO that names what lies beyond its end', async () => {
    const file = await isoOf(ubuntuIso);
    const { stdout } = await execa('xorriso', [
      '-indev',
      `stdio:${file}`,
      '-find',
      '/casper/initrd',
      '-exec',
      'report_lba',
    ]);
    const lba = Buffer.alloc(4);
    lba.writeUInt32LE(Number(/lba: +0 , +(\d+)/.exec(stdout)?.[1]));
    const bytes = await readFile(file);
    for (let at = bytes.indexOf(lba); at > 0; at = bytes.indexOf(lba, at + 1))
      bytes.writeUInt32LE(0x00ffffff, at);
    await writeFile(file, bytes);
    const image = await imported(file);
    await expect(trees.prepare(image)).rejects.toMatchObject({ code: 'image-invalid' });
    expect((await readdir(folder)).sort()).toEqual([`${image.sha256}.chunks`, `${image.sha256}.zst`]);
  });
});

describe('what starts an installer or a live system is found', () => {
  const kernel = debianNetboot['debian-installer/amd64/linux'];
  it.each<[string, Files, [kernel: string, initrd: string][]]>([
    [
      "Ubuntu's live server",
      ubuntuIso,
      [
        ['casper/vmlinuz', 'casper/initrd'],
        ['casper/hwe-vmlinuz', 'casper/hwe-initrd'],
      ],
    ],
    [
      'RHEL and its kin',
      {
        'images/pxeboot/vmlinuz': kernel,
        'images/pxeboot/initrd.img': 'i',
        'isolinux/vmlinuz': kernel,
        'isolinux/initrd.img': 'i',
        'isolinux/isolinux.cfg': 'x',
      },
      [
        ['isolinux/vmlinuz', 'isolinux/initrd.img'],
        ['images/pxeboot/vmlinuz', 'images/pxeboot/initrd.img'],
      ],
    ],
    [
      'openSUSE',
      {
        'boot/x86_64/loader/linux': kernel,
        'boot/x86_64/loader/initrd': 'i',
        'boot/x86_64/loader/linux.c32': 'x',
      },
      [['boot/x86_64/loader/linux', 'boot/x86_64/loader/initrd']],
    ],
    [
      'Debian live, of two versions',
      {
        'live/vmlinuz-6.1.0-9-amd64': kernel,
        'live/initrd.img-6.1.0-9-amd64': 'i',
        'live/vmlinuz-6.1.0-18-amd64': kernel,
        'live/initrd.img-6.1.0-18-amd64': 'i',
      },
      [
        ['live/vmlinuz-6.1.0-9-amd64', 'live/initrd.img-6.1.0-9-amd64'],
        ['live/vmlinuz-6.1.0-18-amd64', 'live/initrd.img-6.1.0-18-amd64'],
      ],
    ],
  ])('in an ISO of %s', async (_what, files, pairs) => {
    const found = await inspect(await isoOf(files), 'iso');
    expect(found.description).toMatchObject({
      architecture: 'x86_64',
      bootFiles: pairs.map(([one, other]) => ({ kernel: one, initrd: other })),
    });
    expect(notOk(found)).toEqual([]);
    expect(found.findings.map(({ check }) => check)).toEqual(['architecture', 'boot-files']);
  });

  it("in Debian's netboot.tar.gz, which has no operating system and needs none", async () => {
    const image = await imported(await tarOf(debianNetboot));
    expect(image).toMatchObject({ kind: 'tarball', description: { architecture: 'x86_64', os: null } });
    expect(image.description?.bootFiles).toEqual([
      { kernel: 'debian-installer/amd64/linux', initrd: 'debian-installer/amd64/initrd.gz' },
    ]);
    expect(image.findings.map(({ result }) => result)).toEqual(['ok', 'ok']);
  });

  it('and an ISO without it is one that may be good', async () => {
    const found = await inspect(await isoOf({ 'setup.exe': 'x' }), 'iso');
    expect(notOk(found)).toEqual(['boot-files: warning']);
  });

  it('and one for other machines is refused', async () => {
    const arm = Buffer.alloc(4096);
    arm.write('ARM\x64', 0x38, 'latin1');
    const file = await isoOf({ 'install.a64/vmlinuz': arm, 'install.a64/initrd.gz': 'i' });
    await expect(imported(file)).rejects.toThrow('It is made for aarch64');
  });

  it('but not in the folder above an operating system', async () => {
    const tree = await bench.plainTree({
      'root/etc/passwd': 'x',
      'root/usr/bin/sh': elfHeader(62),
      'root/boot/vmlinuz-6': kernel,
      'root/boot/initrd.img-6': 'i',
    });
    await expect(imported(await bench.tar(tree))).rejects.toThrow('a tarball of no root file system');
  });
});
