import { execa } from 'execa';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { inspectImage } from '#images';
import { StreamingProcesses } from '#platform';
import { FakeClock } from '#testing';
import { debian, finding, inspect } from '../support/image-inspection.js';
import { ImageBench, patch } from '../support/image-tree.js';
import { openLibrary } from '../support/image-sources.js';

let bench: ImageBench;
beforeAll(async () => {
  bench = await ImageBench.make();
});
afterAll(() => bench.remove());
afterEach(() => vi.unstubAllEnvs());

const kinds = [
  ['ext4', 'file_system', (tree: string) => bench.ext(tree, 24)],
  ['tar', 'tarball', (tree: string) => bench.tar(tree)],
] as const;

describe.each(kinds)('an image that is made to harm, as %s:', (called, kind, pack) => {
  const look = async (tree: string) => inspect(await pack(tree), kind, called);

  it('links that lead in circles lead nowhere', async () => {
    const found = await look(
      await bench.tree({
        'etc/os-release': { link: 'os-release' },
        'usr/lib/os-release': { link: '../../etc/os-release' },
        'usr/bin/sh': { link: 'sh' },
        'etc/default': { link: '/etc/default' },
        'etc/default/grub': null,
        'etc/default/grub.d/10_cloud.cfg': null,
      }),
    );
    expect(found.description).toMatchObject({ os: null, architecture: null, kernelArguments: null });
    expect(finding(found, 'ssh-server')).toMatchObject({ result: 'ok' });
  });

  it('links lead to nothing outside of it', async () => {
    const outside = join(bench.folder, 'outside');
    await writeFile(outside, 'ID=outside\nPRETTY_NAME=outside\n');
    for (const link of [outside, `${'../'.repeat(20)}${outside.slice(1)}`]) {
      const { description } = await look(
        await bench.tree({ 'usr/lib/os-release': null, 'etc/os-release': { link } }),
      );
      expect(description.os).toBeNull();
    }
  });

  it('a directory of thousands of files, and files without end, cost little', async () => {
    const tree = await bench.tree();
    await mkdir(join(tree, 'etc/netplan'));
    const names = Array.from({ length: 3000 }, (_, index) => `${index}.yaml`);
    for (const name of names) await writeFile(join(tree, 'etc/netplan', name), '');
    await mkdir(join(tree, 'etc/kernel'));
    await writeFile(join(tree, 'etc/kernel/cmdline'), 'quiet');
    await execa('truncate', ['--size=1T', join(tree, 'etc/kernel/cmdline')]);
    const image = kind === 'tarball' ? await bench.tar(tree, '--sparse') : await bench.ext(tree, 64);
    const found = await inspect(image, kind, called);
    expect(found.description).toMatchObject({ ...debian, kernelArguments: 'quiet' });
  });

  it('names that look like options are names', async () => {
    const trap = join(bench.folder, 'trap');
    const name = `--checkpoint=1 --checkpoint-action=exec=touch ${trap.replaceAll('/', '|')}.yaml`;
    const found = await look(
      await bench.tree({
        [`etc/netplan/${name}`]: 'macaddress: "52:54:00:12:34:56"',
        'etc/netplan/-I$(touch trap).yaml': '',
        'etc/netplan/a\nb.yaml': '',
        'etc/netplan/z.yaml': 'match: {macaddress: "52:54:00:12:34:56"}',
      }),
    );
    expect(finding(found, 'pinned-mac')).toMatchObject({ result: 'fault' });
    await expect(stat(trap)).rejects.toThrow('ENOENT');
  });

  it('settings that would be commands are words', async () => {
    const trap = join(bench.folder, 'trap');
    const found = await look(
      await bench.tree({
        'etc/default/grub.d/10_cloud.cfg': `GRUB_CMDLINE_LINUX="$(touch ${trap}) \`touch ${trap}\`"\n`,
        'usr/lib/os-release': 'ID=$(id)\nPRETTY_NAME="$PRETTY_NAME$PRETTY_NAME"\n',
        'etc/cloud/cloud.cfg': `a: &a [${'x,'.repeat(99)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\n`,
      }),
    );
    expect(found.description.kernelArguments).toContain('touch');
    await expect(stat(trap)).rejects.toThrow('ENOENT');
  });
});

/** Numbers that are the same in every run (Numerical Recipes' linear congruence). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

/** Replaces bytes where an image has any: what is all zeros tells nobody anything. */
async function damage(image: string, seed: number): Promise<void> {
  const content = await readFile(image);
  const full = [...content.keys()].filter((at) => content[at] !== 0);
  const random = numbers(seed);
  for (let count = 0; count < 400; count += 1) {
    const at = full[random.next().value % full.length] ?? 0;
    content[at] = random.next().value >>> 24;
  }
  await writeFile(image, content);
}

describe('an image that is damaged', () => {
  const gpt = ['-n1:2048:+1M', '-t1:ef02', '-n2:4096:0'];
  const cases: [
    string,
    'file_system' | 'tarball' | 'disk',
    string | null,
    (tree: string) => Promise<string>,
  ][] = [
    ['ext4', 'file_system', 'ext4', (tree) => bench.ext(tree, 2)],
    ['tar', 'tarball', null, (tree) => bench.tar(tree)],
    ['a disk', 'disk', null, async (tree) => bench.disk(6, { gpt }, { 2: await bench.ext(tree, 3) })],
  ];

  it.each(cases)('is looked into as far as that goes: %s', async (_what, kind, fileSystem, pack) => {
    const whole = await readFile(await pack(await bench.tree()));
    for (const seed of [1, 2, 3, 4, 5]) {
      const image = bench.path('damaged');
      await writeFile(image, whole);
      await damage(image, seed);
      const { findings } = await inspect(image, kind, fileSystem);
      expect(findings.length).toBeGreaterThan(0);
    }
  });

  it.each(cases)('is looked into as far as it goes, cut short: %s', async (_what, kind, fileSystem, pack) => {
    const image = await pack(await bench.tree());
    await execa('truncate', [`--size=${Math.floor((await stat(image)).size / 3)}`, image]);
    expect((await inspect(image, kind, fileSystem)).findings.length).toBeGreaterThan(0);
  });

  it.each([
    ['file_system', 'xfs'],
    ['disk', null],
    ['tarball', null],
  ] as const)('has no operating system when it is nothing at all: %s', async (kind, fileSystem) => {
    const image = bench.path('noise');
    await writeFile(image, Buffer.from(Array.from({ length: 1 << 20 }, () => 0xa5)));
    const { description, findings } = await inspect(image, kind, fileSystem);
    expect(description).toMatchObject({ os: null, rootFileSystem: null });
    expect(findings).toEqual([
      {
        check: 'operating-system',
        result: 'fault',
        message: expect.stringContaining('No operating system was found'),
        remedy: expect.any(String),
      },
    ]);
  });

  it('may have tables of partitions in a circle', async () => {
    const image = await bench.disk(4, { mbr: 'label: dos\nstart=2048, type=5\n' }, {});
    const table = Buffer.alloc(512);
    for (const [at, start] of [
      [446, 1],
      [462, 0],
    ] as const) {
      table.writeUInt8(at === 446 ? 0x83 : 5, at + 4);
      table.writeUInt32LE(start, at + 8);
      table.writeUInt32LE(100, at + 12);
    }
    table.writeUInt16LE(0xaa55, 510);
    await patch(image, 1024 ** 2, table);
    const { description } = await inspect(image, 'disk');
    expect(description.partitionTable?.partitions.map(({ number }) => number)).toEqual([5]);
  });
});

describe('a look into an image ends', () => {
  it('when it is called off', async () => {
    const image = await bench.ext(await bench.tree());
    const reason = new Error('called off');
    await expect(inspect(image, 'file_system', 'ext4', AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('when a program takes too long', async () => {
    const pipe = bench.path('pipe');
    await execa('mkfifo', [pipe]); // nobody writes to it
    const clock = new FakeClock();
    const looking = inspectImage(
      { path: pipe, kind: 'tarball', fileSystem: null },
      new StreamingProcesses(),
      {
        clock,
      },
    );
    await clock.advance(30_000);
    expect((await looking).findings).toEqual([
      {
        check: 'operating-system',
        result: 'warning',
        message:
          'It was not looked into, and may lack anything: The image could not be looked into: tar took too long.',
        remedy: expect.any(String),
      },
    ]);
  });

  it('when the import is called off while it is looked into, of which nothing is left', async () => {
    const [directory, programs] = [bench.path('library'), bench.path('programs')];
    await mkdir(programs);
    const program = '#!/bin/bash\necho $$ >"$0.new"\nmv "$0.new" "$0.pid"\nexec sleep 600\n';
    await writeFile(join(programs, 'grub-fstest'), program, { mode: 0o755 });
    await writeFile(
      join(programs, 'prlimit'),
      '#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"\n',
      {
        mode: 0o755, // the program that is run in place of another may write
      },
    );
    const image = await bench.ext(await bench.tree());
    vi.stubEnv('PATH', `${programs}:${process.env.PATH}`);
    const library = await openLibrary(directory, { maxBytes: 1024 ** 3 });
    const calledOff = new AbortController();
    const importing = library.import(createReadStream(image), { signal: calledOff.signal });
    const refused = expect(importing).rejects.toThrow('shutting down');
    for await (const { filename } of watch(programs)) if (filename === 'grub-fstest.pid') break;
    calledOff.abort(new Error('shutting down'));
    await refused;
    expect(await readdir(directory)).toEqual([]);
    const pid = Number(await readFile(join(programs, 'grub-fstest.pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('when there is no program for it', async () => {
    const programs = bench.path('programs');
    await mkdir(programs);
    await symlink('/usr/bin/prlimit', join(programs, 'prlimit'));
    const image = await bench.ext(await bench.tree());
    vi.stubEnv('PATH', programs);
    expect((await inspect(image, 'file_system', 'ext4')).findings).toEqual([
      expect.objectContaining({
        result: 'warning',
        message: expect.stringContaining('grub-fstest was to run, but is not installed'),
        remedy: 'install the Debian package grub-common',
      }),
    ]);
  });
});
