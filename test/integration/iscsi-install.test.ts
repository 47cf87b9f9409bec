import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventView, InstanceView } from '#contract';
import { freePort, Secret } from '#platform';
import { FakePowerDriver } from '#testing';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LoopDisk, mib } from '../support/loop-disk.js';
import { PlayedMachine } from '../support/played-machine.js';
import { machineNumber, RunningController } from '../support/running-controller.js';

/** The part of create.sh that brings the image; the rest needs a machine. */
const imageSteps =
  'report_start:0 fetch_chunk_list:5 zero_disk:6 export_disk:10 await_image:20 take_disk_back:74 read_back:75';
const machines = 8;

let folder: string;
let content: Buffer;
let environment: Record<string, string>;
let dodai: RunningController;
const driver = new FakePowerDriver();
const played = new PlayedMachine(() => dodai);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-iscsi-'));
  await chmod(folder, 0o755); // PostgreSQL runs as a user of its own
  await mkdir(join(folder, 'data'));
  const port = String(await freePort());
  environment = {
    DODAI_DATA_DIR: join(folder, 'data'),
    DODAI_HTTP_PORT: port,
    DODAI_PUBLIC_URL: `http://127.0.0.1:${port}`,
    DODAI_ISCSI_WRITES: '1',
  };
  dodai = await RunningController.start(environment, { driver });
  const sizes = { rootSizeMib: 64, swapSizeMib: 0, kdumpSizeMib: 0 };
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 1, readBack: 'full', ...sizes };
  expect((await dodai.ask('POST', '/v1/instance-types', { body: type })).status).toBe(201);
  content = await diskImage(join(folder, 'disk.raw'));
  const sha256 = createHash('sha256').update(content).digest('hex');
  const image = { body: content, type: 'application/octet-stream' };
  expect(await dodai.ask('POST', `/v1/images?name=disk&sha256=${sha256}`, image)).toMatchObject({
    status: 201,
  });
  for (let n = 1; n <= machines; n += 1) {
    const secret = { password: new Secret('secret'), cipherSuite: 3 as const };
    driver.add({ host: '127.0.0.1', port: 10_000 + n, user: 'admin', ...secret });
    const body = machineNumber(n);
    expect((await dodai.ask('POST', '/v1/machines?wait=verified', { body })).status).toBe(201);
  }
});
afterAll(async () => {
  await dodai?.end();
  await rm(folder, { recursive: true, force: true });
});

/** Partitions, and data here and there; most of it is empty. */
async function diskImage(file: string): Promise<Buffer> {
  const handle = await open(file, 'w');
  await handle.truncate(20 * mib);
  await handle.close();
  await execa('sgdisk', ['--new=1:2048:0', file]);
  const bytes = await readFile(file);
  for (const at of [2, 3, 9]) randomBytes(mib).copy(bytes, at * mib);
  bytes.write('here', 12 * mib + 100);
  return bytes;
}

let disks: LoopDisk[];
beforeEach(() => {
  disks = [];
});
afterEach(async () => {
  await Promise.all(disks.map((disk) => disk.remove()));
});

interface Run {
  id: string;
  disk: LoopDisk;
  /** With what the installer printed. */
  ended: Promise<{ exitCode?: number; all: string }>;
  /** The process that exports its disk. */
  exporter: () => Promise<number>;
}

/** Spawns an instance and runs what create.sh does with its image, on a disk full of something else. */
async function install(
  machine: string,
  change: (script: string) => string = (script) => script,
): Promise<Run> {
  const body = {
    hostName: machine,
    machine,
    image: 'disk',
    instanceType: 'standard',
    installMethod: 'iscsi',
  };
  const { status, body: spawned } = await dodai.ask<InstanceView>('POST', '/v1/instances', { body });
  expect(spawned, JSON.stringify(spawned)).toMatchObject({ state: 'building' });
  expect(status).toBe(202);
  const { id } = spawned;
  await played.reaches(id, 'booting');
  const { body: text } = await dodai.ask<string & Record<string, unknown>>(
    'GET',
    `/boot/instances/${id}/create.sh`,
    { token: null },
  );
  const run = text.slice(0, text.lastIndexOf('\nrun_steps '));
  const exporterFile = join(folder, `${id}.exporter`);
  // What tgtadm is told is what a process list would show.
  const watched = `
tgtadm() { printf '%s\\n' "$*" >>'${join(folder, `${id}.told`)}'; command tgtadm "$@"; }
note_exporter() { printf '%s\\n' "$TARGET_PID" >'${exporterFile}'; }
make_unbootable() { :; }
`;
  const disk = await LoopDisk.make({ mib: 24 });
  disks.push(disk);
  const steps = imageSteps.replace(' await_image', ' note_exporter:19 await_image');
  const script = join(folder, `${id}.sh`);
  await writeFile(
    script,
    change(run.replace('\nstart_steps install', `${watched}\nstart_steps install`)) +
      `\nrun_steps ${steps}\n`,
  );
  const env = {
    TMPDIR: folder,
    IMAGE_DEVICE: disk.path,
    ISCSI_PORT: String(await freePort()),
    FAILURE_ATTEMPTS: '2',
  };
  const ended = execa('bash', [script], { env, reject: false, all: true });
  const exporter = async () => {
    await expect
      .poll(() => readFile(exporterFile, 'utf8').catch(() => ''), { timeout: 20_000 })
      .toMatch(/\d/);
    return Number(await readFile(exporterFile, 'utf8'));
  };
  return { id, disk, ended, exporter };
}

async function expectWritten({ disk, ended }: Run): Promise<string> {
  const { exitCode, all } = await ended;
  expect(all).toContain('image: read back (full)');
  expect(exitCode).toBe(0);
  const found = await disk.content();
  expect(found.subarray(0, content.length).equals(content)).toBe(true);
  return all;
}

const told = (id: string, isMeant: (event: EventView) => boolean) =>
  dodai.untilEvent(`/v1/instances/${id}/events`, isMeant);
const says = (words: string) => (event: EventView) =>
  event.kind === 'notify.progress' && event.message.includes(words);
const begun = ({ kind, message }: EventView) => kind === 'disk.write' && message.includes('begins');

/** Folders of what is unpacked. */
const unpacked = async () =>
  (await readdir(join(folder, 'data', 'images'))).filter((name) => name.startsWith('incoming-'));

describe('the controller writes the disk of a machine', () => {
  it('to the content of the image, and the machine reads it back; the secret is not told to anybody', async () => {
    const run = await install('m1');
    const all = await expectWritten(run);
    expect(all).toMatch(/is exported to 127\.0\.0\.1 alone/);
    const [, secret = ''] =
      /^ISCSI_SECRET='?([\w-]{16})'?$/m.exec(await readFile(join(folder, `${run.id}.sh`), 'utf8')) ?? [];
    expect(secret).toHaveLength(16);
    const toldTarget = await readFile(join(folder, `${run.id}.told`), 'utf8');
    expect(toldTarget).toContain('--mode account --op bind --user dodai');
    expect(toldTarget + all).not.toContain(secret);
    const { seen } = await told(run.id, ({ message }) => message.includes('has written disk to the disk'));
    expect(JSON.stringify(seen)).not.toContain(secret);
    await expect.poll(unpacked).toEqual([]);
  });

  it('no more of them at a time than may be, and those that wait say so', async () => {
    const first = await install('m2', (script) =>
      script.replace('note_exporter() {', 'note_exporter() { kill -STOP "$TARGET_PID"; '),
    );
    const exporter = await first.exporter();
    await told(first.id, begun);
    const second = await install('m3');
    await told(second.id, says('waiting: no more disks than 1 are written at a time'));
    process.kill(exporter, 'SIGCONT');
    await expectWritten(first);
    await expectWritten(second);
    await expect.poll(unpacked).toEqual([]);
  });

  it('anew when the controller ended in the midst of it', async () => {
    const run = await install('m4', (script) =>
      script.replace('note_exporter() {', 'note_exporter() { kill -STOP "$TARGET_PID"; '),
    );
    const exporter = await run.exporter();
    await told(run.id, begun);
    await dodai.stop();
    process.kill(exporter, 'SIGCONT');
    dodai = await RunningController.start(environment, { driver });
    expect(await unpacked()).toEqual([]);
    await expectWritten(run);
    const { seen } = await told(run.id, ({ message }) => message.includes('has written disk to the disk'));
    expect(seen.filter(begun)).toHaveLength(2);
  });

  it('and a machine that refuses its secret says so on its timeline, with what to do', async () => {
    const run = await install('m5', (script) =>
      script.replace(/^ISCSI_SECRET=.*$/m, 'ISCSI_SECRET=not-the-secret--'),
    );
    expect((await run.ended).exitCode).not.toBe(0);
    const { found } = await told(run.id, ({ data }) => data.to === 'install_failed');
    expect(found.message).toMatch(
      /step \d\/\d await image: the controller did not write the image: The machine at 127\.0\.0\.1 port \d+ refused the secret of this instance \(CHAP\): .*retry/,
    );
  });

  it('only where the request comes from, and only for who has the token', async () => {
    const run = await install('m6', (script) =>
      script.replace('address "${ISCSI_ADDRESS', 'address "127.0.0.9" --arg before "${ISCSI_ADDRESS'),
    );
    const { all } = await run.ended;
    expect(all).toContain('The disk is at 127.0.0.9, but the request came from 127.0.0.1');
    expect(all).toContain('Let no NAT and no proxy stand between');
    const disk = { address: '127.0.0.1', port: 3260, target: 'iqn.2026-01.internal.dodai:x' };
    const path = `/boot/instances/${run.id}/disk`;
    expect(await dodai.refused('POST', path, { token: 'wrong', body: disk })).toMatchObject({
      code: 'notify-forbidden',
    });
    expect(await dodai.refused('GET', path, { token: 'wrong' })).toMatchObject({ code: 'notify-forbidden' });
    const token = /^TOKEN='?([\w-]+)'?$/m.exec(await readFile(join(folder, `${run.id}.sh`), 'utf8'))?.[1];
    expect(await dodai.refused('POST', path, { token, body: disk })).toMatchObject({
      code: 'notify-out-of-order',
    });
  });
});
