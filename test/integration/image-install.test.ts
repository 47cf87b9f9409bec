import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageInstall } from '#core';
import type { ImageView } from '#contract';
import { execa } from 'execa';
import { type CapturedRun, runCaptured } from '../../apps/cli/src/captured-io.js';
import { RunningController } from '../support/running-controller.js';
import { makeSmallImage } from '../support/small-image.js';

let dodai: RunningController;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-image-install-'));
  dodai = await RunningController.start();
  await writeFile(join(folder, 'root.zst'), (await makeSmallImage(8)).data);
  for (const file of ['vmlinuz', 'initrd.img']) await writeFile(join(folder, file), file);
  await execa('tar', ['-czf', 'tree.tar.gz', 'vmlinuz', 'initrd.img'], { cwd: folder });
  await cli('images', 'import', join(folder, 'root.zst'), '--name', 'root');
});

afterAll(async () => {
  await dodai?.end();
  await rm(folder, { recursive: true });
});

async function cli(...args: string[]): Promise<CapturedRun> {
  const env = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token };
  return runCaptured(args, { now: () => new Date(), env });
}

const install = (given: unknown, name = 'tree') =>
  dodai.ask<ImageView>('PATCH', `/v1/images/${name}`, { body: { install: given } });

const live: ImageInstall = {
  method: 'live',
  kernel: 'vmlinuz',
  initrd: 'initrd.img',
  kernelArguments: 'fetch={{ treeUrl }}/filesystem.squashfs',
  completion: 'notify',
};

describe('how an image is installed', () => {
  it('is said with its import, shown, changed and taken back', async () => {
    const words = `--install-method live --kernel vmlinuz --initrd initrd.img`.split(' ');
    const template = ['--kernel-arguments', live.kernelArguments];
    const file = join(folder, 'tree.tar.gz');
    const made = await cli('images', 'import', file, '--name', 'tree', ...words, ...template);
    expect(made.stdout).toMatch(/Installed by +live\n.*Kernel +vmlinuz\n.*Initial RAM disk +initrd\.img\n/);
    expect(await dodai.ask('GET', '/v1/images/tree')).toMatchObject({ body: { install: live } });

    const instructions = join(folder, 'how-to.txt');
    await writeFile(instructions, 'Insert the stick.');
    const manual = ['--install-method', 'manual', '--instructions', instructions, '--power', 'on'];
    const changed = await cli('images', 'set', 'tree', ...manual);
    expect(changed.stdout).toMatch(/Installed by +manual\n.*Instructions +Insert the stick\./);

    const back = await cli('images', 'set', 'tree', '--install-method', 'none');
    expect(back.stdout).toMatch(/Installed by +copy\n/);
    expect(await dodai.ask('GET', '/v1/images/tree')).toMatchObject({ body: { install: null } });
  });

  it.each([
    [['--kernel', 'vmlinuz'], '--install-method is missing: the other options say more of it.'],
    [['--install-method', 'live', '--kernel', 'vmlinuz'], 'live: --initrd '],
    [['--install-method', 'iscsi', '--kernel', 'vmlinuz'], 'iscsi: --kernel does not belong to it.'],
    [[], 'Nothing was said to be changed.'],
  ])('%j is refused before anything is asked', async (options, message) => {
    expect(await cli('images', 'set', 'tree', ...options)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message) as string,
    });
  });

  it('has to be possible with what is in it', async () => {
    expect(await install({ method: 'iscsi' }, 'root')).toMatchObject({
      status: 422,
      body: {
        code: 'image-unsuitable',
        detail: 'The image root holds a file system, which cannot be installed by iscsi.',
        remedy: 'iscsi takes: disk.',
      },
    });
  });

  it.each([
    [{ ...live, kernel: '../vmlinuz' }, 'install.kernel', 'has ..'],
    [
      { ...live, kernel: '/vmlinuz' },
      'install.kernel',
      'is not a path inside the image, such as live/vmlinuz',
    ],
    [{ ...live, kernelArguments: 'a\nb' }, 'install.kernelArguments', 'is not one line of ASCII'],
    [{ method: 'manual', instructions: '' }, 'install.instructions', 'is empty'],
    [{ method: 'manual', instructions: 'a\0b' }, 'install.instructions', 'has NUL characters'],
    [
      { ...live, method: 'netinstall', completion: undefined, answerFile: { format: 'preseed' } },
      'install.answerFile',
      'is neither {format, text} nor {format, url}',
    ],
  ])('of %j is refused', async (given, field, message) => {
    const { status, body } = await install(given);
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect((body as unknown as { errors: object[] }).errors).toContainEqual({ field, message });
  });

  it('names files that are in the image', async () => {
    expect(await install({ ...live, initrd: 'boot/initrd.img' })).toMatchObject({
      status: 422,
      body: {
        code: 'image-unsuitable',
        detail: 'The image tree has no file boot/initrd.img: its folder / has initrd.img, vmlinuz.',
        context: { field: 'install.initrd' },
      },
    });
  });

  it('names only values that there are', async () => {
    expect(await install({ ...live, kernelArguments: 'root={{ tree }}' })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('there is no value tree; known are treeUrl') as string },
    });
  });
});

describe('an instance type', () => {
  const add = (...more: string[]) =>
    cli('instance-types', 'add', 'thin', '--vcpus', '1', '--memory-mb', '512', '--local-gb', '0', ...more);

  it('may have no disk, arguments for its kernels, and methods that it forbids', async () => {
    const made = await add(
      '--kernel-arguments',
      'console=ttyS1 quiet',
      '--forbid-methods',
      'manual',
      'netinstall',
    );
    expect(made.stdout).toMatch(/Disk +none\n/);
    expect(made.stdout).toMatch(
      /Kernel arguments +console=ttyS1 quiet\nNot installed by +manual, netinstall\n/,
    );
    const allowed = await cli(
      'instance-types',
      'set',
      'thin',
      '--forbid-methods',
      'none',
      '--kernel-arguments',
      'none',
    );
    expect(allowed.stdout).not.toMatch(/Kernel arguments|Not installed by/);
  });

  it.each(['console=ttyS1  quiet', 'a"b', 'a$(b)'])(
    'is refused with the kernel arguments %j',
    async (text) => {
      const body = { kernelArguments: text };
      expect(await dodai.ask('PATCH', '/v1/instance-types/thin', { body })).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'kernelArguments' }] },
      });
    },
  );
});
