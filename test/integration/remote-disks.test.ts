import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RemoteDisks } from '#images';
import { freePort, projectRoot, Secret, StreamingProcesses, SystemClock } from '#platform';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { IscsiTarget } from '../support/iscsi-target.js';

const mib = 1024 ** 2;
const diskBytes = 24 * mib;
const secret = 'sixteen-letters-';

let folder: string;
let content: string;
let disk: string;
let target: IscsiTarget | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-remote-disks-'));
  content = join(folder, 'content');
  const file = await open(content, 'w');
  await file.truncate(16 * mib);
  await file.write(randomBytes(3 * mib), 0, 3 * mib, 2 * mib);
  await file.write(randomBytes(4096), 0, 4096, 9 * mib + 4096);
  await file.close();
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  await target?.stop();
  target = undefined;
});

/** Exports a disk of zeros, as machines do. */
async function exportDisk(options: { sizeBytes?: number; letsIn?: string } = {}): Promise<IscsiTarget> {
  disk = join(folder, 'disk');
  await writeFile(disk, '');
  await truncate(disk, options.sizeBytes ?? diskBytes);
  target = await IscsiTarget.start(disk, { secret, letsIn: options.letsIn });
  return target;
}

const told: number[] = [];

function write(
  at: Partial<Parameters<RemoteDisks['write']>[1]> = {},
  stallMs = 20_000,
  signal?: AbortSignal,
) {
  told.length = 0;
  const place = { address: '127.0.0.1', port: target?.port ?? 0, target: target?.name ?? '', user: 'dodai' };
  return new RemoteDisks(new StreamingProcesses(), new SystemClock(), stallMs).write(
    content,
    { ...place, secret: new Secret(secret), ...at },
    { signal: signal ?? new AbortController().signal, onProgress: (percent) => told.push(percent) },
  );
}

it('has the content afterwards, and nothing beyond it; the secret is left nowhere', async () => {
  await exportDisk();
  await write();
  const written = await readFile(disk);
  const wanted = await readFile(content);
  expect(written.subarray(0, wanted.length).equals(wanted)).toBe(true);
  expect(written.subarray(wanted.length).equals(Buffer.alloc(diskBytes - wanted.length))).toBe(true);
  expect(told.at(-1)).toBe(100);
  expect(await readdir(folder)).toEqual(['content', 'disk']);
});

it('that wants another secret is not written, and says so in our words', async () => {
  await exportDisk();
  await expect(write({ secret: new Secret('another-secret--') })).rejects.toMatchObject({
    code: 'disk-not-written',
    message: expect.stringMatching(/^The machine at 127.0.0.1 port \d+ refused the secret of this instance/),
    remedy: expect.stringContaining('retry'),
  });
  expect((await readFile(disk)).equals(Buffer.alloc(diskBytes))).toBe(true);
});

it('that lets in another address is not written', async () => {
  await exportDisk({ letsIn: '127.0.0.9' });
  await expect(write()).rejects.toThrow(/does not export its disk to this controller/);
});

it('that is nowhere is not written', async () => {
  await expect(write({ port: await freePort(), target: 'iqn.none' })).rejects.toThrow(
    /^The controller cannot reach the machine at 127.0.0.1 port/,
  );
});

it('that is too small is not written', async () => {
  await exportDisk({ sizeBytes: 8 * mib });
  await expect(write()).rejects.toThrow(/is smaller than the image/);
});

it('that answers nothing any more is given up', async () => {
  (await exportDisk()).freeze();
  await expect(write({}, 1000)).rejects.toThrow(/has taken nothing for 1 seconds/);
});

it('is left when the caller wants no more', async () => {
  (await exportDisk()).freeze();
  const over = new AbortController();
  const writing = write({}, 20_000, over.signal);
  over.abort(new Error('no more'));
  await expect(writing).rejects.toThrow('no more');
  expect(await readdir(folder)).toEqual(['content', 'disk']);
});

it('is left by qemu-img, too, when the controller is killed', async () => {
  const { port, name, user } = await exportDisk();
  target?.freeze();
  // As it is built: a process of its own, to be killed.
  const program = `
    import { RemoteDisks } from '${projectRoot}/dist/libs/images/src/index.js';
    import { Secret, StreamingProcesses, SystemClock } from '${projectRoot}/dist/libs/platform/src/index.js';
    const disk = ${JSON.stringify({ address: '127.0.0.1', port, target: name, user })};
    const following = { signal: new AbortController().signal, onProgress() {} };
    await new RemoteDisks(new StreamingProcesses(), new SystemClock(), 60_000)
      .write('${content}', { ...disk, secret: new Secret('${secret}') }, following);
  `;
  const controller = execa(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: projectRoot,
    reject: false,
  });
  const writers = async () =>
    (await execa('pgrep', ['--full', `^qemu-img convert .*portal=127.0.0.1:${port},`], { reject: false }))
      .stdout;
  await expect.poll(writers, { timeout: 20_000 }).toMatch(/\d/);
  controller.kill('SIGKILL');
  await controller;
  await expect.poll(writers).toBe('');
  await rm(`${content}.${name}.secret`); // which is in a folder that is cleared at the next start
});
