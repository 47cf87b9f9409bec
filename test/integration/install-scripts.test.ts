import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InstallerController } from '../support/installer-controller.js';
import { LoopDisk, mib } from '../support/loop-disk.js';
import { StoredImage } from '../support/stored-image.js';

const snippets = fileURLToPath(new URL('../../templates/snippets', import.meta.url));

/** Seven chunks with holes before, between and after them; the end is no whole block. */
const pieces: [atMib: number, bytes: Buffer][] = [1, 3, 5, 7, 9, 11, 12].map((at) => [at, randomBytes(mib)]);
const content = Buffer.alloc(20 * mib + 4096);
for (const [atMib, bytes] of pieces) bytes.copy(content, atMib * mib);
content.write('the end', content.length - 7);

let image: StoredImage;
let directory: string;
let disk: LoopDisk;
/** What was on it before. */
let before: Buffer;
let controller: InstallerController;

beforeAll(async () => {
  image = await StoredImage.of(content);
});
afterAll(() => image.remove());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'install-scripts-'));
  controller = new InstallerController(image.files);
  await controller.start();
  disk = await LoopDisk.make({ mib: 24 });
  before = await disk.content();
});
afterEach(async () => {
  await controller.stop();
  await disk.remove();
  await rm(directory, { recursive: true });
});

const install = 'fetch_chunk_list:0 zero_holes:5 stream_image:10 read_back:80';

/** The reporting, the step runner and the writing of images as create.sh has them. */
async function run(steps: string, variables: Record<string, string | number> = {}) {
  const script = `set -Eeuo pipefail
    ${['notify', 'steps', 'disks', 'image', 'image-to-device'].map((name) => `. '${snippets}/${name}.sh'`).join('\n')}
    # As the live image has them.
    cmp() { busybox cmp "$@"; }
    awk() { busybox awk "$@"; }
    leave_safe() { echo 'left safe'; }
    print_and_break() { echo 'one line'; ls /does/not/exist; }
    spoil() { printf 'spoilt' | dd of="$IMAGE_DEVICE" bs=1 seek="$SPOIL_AT" conv=notrunc,fsync status=none; }
    start_steps install
    run_steps ${steps}
    stop_reporting`;
  return execa('bash', ['-c', script], {
    reject: false,
    all: true,
    env: {
      TMPDIR: directory,
      INSTANCE_ID: 'instance-1',
      CONTROLLER_URL: controller.url,
      TOKEN: 'the-token',
      ...image.variables(controller.url),
      IMAGE_KIND: 'file_system',
      IMAGE_DEVICE: disk.path,
      READ_BACK: 'full',
      FETCH_ATTEMPTS: '2',
      NOTIFY_ATTEMPTS: '2',
      FAILURE_ATTEMPTS: '2',
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
    },
  });
}

const failureReason = () => controller.notifications.find((told) => told.state === 'failed')?.message;

async function expectWritten(): Promise<void> {
  expect((await disk.content()).subarray(0, content.length).equals(content)).toBe(true);
}

describe('writing an image to a device', () => {
  it('leaves its content there, nothing of what was there before, and nothing beyond it', async () => {
    const result = await run(`report_start:0 ${install}`);
    expect(result.all).toContain(`image: ${image.form.dataBytes} bytes written to ${disk.path}`);
    expect(result.exitCode).toBe(0);
    await expectWritten();
    const beyond = (await disk.content()).subarray(content.length);
    expect(beyond.equals(before.subarray(content.length))).toBe(true);
    expect(controller.ranges).toEqual([undefined]);
  });

  it('goes on at the last good chunk where a connection broke', async () => {
    controller.servings = ['cut', 'cut', 'whole'];
    const result = await run(install);
    expect(result.exitCode).toBe(0);
    expect(controller.ranges).toHaveLength(3);
    const asked = controller.ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
    expect(asked[0]).toBeGreaterThan(2 * mib);
    expect(asked[1]).toBeGreaterThan(asked[0] ?? NaN);
    await expectWritten();
  });

  it('outlives a server that is busy, and a chunk that came damaged once', async () => {
    controller.listServings = ['busy', 'whole'];
    controller.servings = ['busy', 'corrupt', 'whole'];
    const result = await run(install, { FETCH_ATTEMPTS: 3 });
    expect(result.all).toMatch(/chunk \d of 7 .* has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}, attempt/);
    expect(result.exitCode).toBe(0);
    await expectWritten();
  });

  it.each([
    ['cut without ranges', /the download of the image ended after \d+ of \d+ bytes: curl: \(33\)/],
    ['missing', /the download of the image ended after 0 of \d+ bytes: curl: \(22\).*404/],
    ['short', /the image is \d+ bytes long, but \d+ bytes came/],
    [
      'corrupt',
      /chunk \d of 7 \(bytes \d+ to \d+ of the image\) has SHA-256 \w{64}, expected \w{64}, for the second time/,
    ],
    ['busy', /the download of the image ended after 0 of \d+ bytes: curl: \(22\).*503/],
  ] as const)('%s is a failure that the controller is told', async (serving, reason) => {
    controller.servings = [serving];
    const result = await run(install);
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(/^step 3\/4 stream image: /);
    expect(failureReason()).toMatch(reason);
    expect(result.all).toContain('left safe');
  });

  it.each([
    ['missing', /the download of the list of chunks failed: curl: \(22\).*404/],
    ['short', /the list of chunks that came has SHA-256 \w{64}, expected \w{64}/],
    ['corrupt', /the list of chunks that came has SHA-256 \w{64}, expected \w{64}/],
  ] as const)('a list of chunks that is %s is a failure', async (serving, reason) => {
    controller.listServings = [serving];
    const result = await run(install);
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(reason);
    expect(controller.ranges).toEqual([]);
  });

  it('to a device that is full or cannot be written is a failure', async () => {
    const result = await run('fetch_chunk_list:0 stream_image:10', { IMAGE_DEVICE: '/dev/full' });
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(
      /writing the image to the disk failed: .*(No space left|Invalid argument)/s,
    );
  });

  it('leaves nothing in memory', async () => {
    await run(`${install} print_and_break:90`);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('reading back', () => {
  it.each([
    [
      'a chunk',
      'full',
      9 * mib + 77,
      /the 1048576 bytes from 9437184 on have SHA-256 \w{64}, expected \w{64}/,
    ],
    [
      'a hole',
      'full',
      18 * mib,
      /the \d+ bytes from \d+ on are not all zero, though the image is empty there/,
    ],
    ['the first hole', 'sampled', 0, /the 1048576 bytes from 0 on are not all zero/],
    ['the last chunk', 'sampled', 20 * mib + 9, /the 4096 bytes from 20971520 on have SHA-256/],
  ])('finds that %s is not what was written (%s)', async (_, policy, offset, reason) => {
    const result = await run(install.replace('read_back', 'spoil:70 read_back'), {
      READ_BACK: policy,
      SPOIL_AT: offset,
    });
    expect(result.exitCode).toBe(1);
    expect(failureReason()).toMatch(
      /^step 5\/5 read back: writing the image to the disk failed: read back, /,
    );
    expect(failureReason()).toMatch(reason);
  });

  it('says what was compared', async () => {
    expect((await run(install)).all).toContain(
      `image: read back (full), ${content.length} bytes on ${disk.path}`,
    );
    expect((await run(install, { READ_BACK: 'sampled' })).all).toContain('image: read back (sampled), ');
    expect((await run(install, { READ_BACK: 'none' })).all).toContain('image: not read back');
  });
});

describe('reporting', () => {
  it('sends every line that was printed, with the token', async () => {
    const result = await run(`report_start:0 ${install}`);
    expect(result.exitCode).toBe(0);
    expect(controller.log).toContain('== step 1/5 report start\n');
    expect(controller.log).toMatch(/== step 5\/5 done in \d+ s\n$/);
    expect([...controller.tokens]).toEqual(['Bearer the-token']);
    expect(controller.notifications[0]).toEqual({ state: 'install', progress: 0 });
  });

  it('names the step, the command and the last lines of what failed', async () => {
    const result = await run('report_start:0 print_and_break:50');
    expect(result.exitCode).toBe(2);
    expect(failureReason()).toMatch(
      /^step 2\/2 print and break: command "ls \/does\/not\/exist" ended with status 2/,
    );
    expect(failureReason()).toContain('one line');
    expect(controller.log).toContain('FAILED: step 2/2 print and break');
    expect(controller.notifications.at(-1)?.state).toBe('failed');
  });

  it('is tried again when the controller is busy', async () => {
    controller.notifyStatuses = [503];
    const result = await run('report_start:0');
    expect(result.exitCode).toBe(0);
    expect(controller.notifications[0]?.state).toBe('install');
  });

  it('that is refused ends the script before anything else is done', async () => {
    controller.notifyStatuses = [409];
    const result = await run(`report_start:0 ${install}`);
    expect(result.exitCode).toBe(1);
    expect(controller.ranges).toEqual([]);
  });

  it('does not hide the failure when the controller is gone', async () => {
    const result = await run('print_and_break:0', { CONTROLLER_URL: 'http://127.0.0.1:1' });
    expect(result.exitCode).toBe(2);
    expect(result.all).toContain('The failure could not be reported.');
  });
});
