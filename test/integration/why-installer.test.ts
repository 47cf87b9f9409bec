import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Machine, wholeDiskPlan } from '#core';
import { Why } from '#provisioning';
import { TestEngine } from '../support/engine.js';
import { LoopDisk } from '../support/loop-disk.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { StoredImage } from '../support/stored-image.js';
import { type RuleId, Seen } from '../support/why-tested.js';

const templates = fileURLToPath(new URL('../../templates', import.meta.url));
const stream = ['fetch_chunk_list', 'stream_image'];
const seen = new Seen('installer scripts');

let postgres: TestPostgres;
let engine: TestEngine;
let directory: string;
let image: StoredImage;
/** One that takes no discard. */
let disk: LoopDisk;
let machines = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  engine = await TestEngine.start(await postgres.database());
  disk = await LoopDisk.make({ mib: 1, discards: false });
  directory = await mkdtemp(join(tmpdir(), 'dodai-why-installer-'));
  image = await StoredImage.of(randomBytes(100_000));
});
afterAll(async () => {
  await disk?.remove();
  await engine?.stop();
  await postgres?.stop();
  await image?.remove();
  await rm(directory, { recursive: true, force: true });
});

/** Runs steps as create.sh or delete.sh has it, on a machine that lacks something; answers how it tells that it failed. */
async function failing(steps: string[], settings: Record<string, string | number>): Promise<string> {
  const script = `set -Eeuo pipefail
    for snippet in notify steps disks layout image image-to-device iscsi-target root installed-os boot-loader wipe-metadata wipe secure-erase wipe-evidence; do . '${templates}/snippets/'$snippet.sh; done
    eval "$(sed -n '/^${steps.at(-1)}() {/,/^}/p' '${templates}/create.sh' '${templates}/delete.sh')"
    IMAGE_DEVICE=$GIVEN_DEVICE DISKS=$GIVEN_DISKS
    leave_safe() { :; }
    list_disks() { printf '[]'; }
    ls_nothing() { ls /does/not/exist; }
    post() { cp "$3" "$POSTED"; }
    start_steps install
    run_steps report_start:0 ${steps.map((step) => `${step}:10`).join(' ')}`;
  const posted = join(directory, 'posted');
  const env = {
    TMPDIR: directory,
    POSTED: posted,
    INSTANCE_ID: 'instance-1',
    CONTROLLER_URL: 'http://127.0.0.1:1',
    TOKEN: 'the-token',
    TARGET: directory,
    BOOT_MODE: 'bios',
    GIVEN_DISKS: '',
    IMAGE_ID: 'image-1',
    IMAGE_KIND: 'file_system',
    ...image.variables(''),
    IMAGE_URL: `file://${image.files.chunks}`,
    IMAGE_CHUNKS_URL: `file://${image.files.list}`,
    GIVEN_DEVICE: join(directory, 'disk'),
    FETCH_ATTEMPTS: 1,
    HOST_NAME: 'web1',
    ROOT_DEVICE_HINT: '{"serial":"S1"}',
    DISK_LAYOUT: JSON.stringify(wholeDiskPlan(1024)),
    ...settings,
  };
  const strings = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  const { exitCode, stderr } = await execa('bash', ['-c', script], { reject: false, env: strings });
  expect(exitCode, stderr).not.toBe(0);
  const { state, message } = JSON.parse(await readFile(posted, 'utf8')) as Record<string, string>;
  expect(state).toBe('failed');
  return message ?? '';
}

const isBooting = ({ stage, awaits }: Machine) => stage === 'booting' && awaits !== null;

async function expectWhy({ id }: Machine, rule: RuleId, reason: RegExp): Promise<void> {
  const site = { dhcp: 'off', publicUrl: 'http://controller' } as const;
  const { findings } = await new Why(engine, engine.clock, site).machine(await engine.machines.get(id));
  expect(findings[0]?.rule).toBe(rule);
  expect(findings[0]?.says).toMatch(reason);
  expect(findings[0]?.evidence.map(({ what }) => what)).toContain('the last line of its log');
  seen.add(rule);
}

async function tellLog(instanceId: string): Promise<void> {
  await engine.callbacks.log(instanceId, engine.token(instanceId), 'a line\nthe last line of its log\n');
}

const cases: [rule: RuleId, steps: string[], settings: Record<string, string | number>, reason: RegExp][] = [
  [
    'checksum-wrong',
    stream,
    { IMAGE_URL: 'file:///dev/zero' },
    /chunk 1 of 1 .* has SHA-256 \w{64}, expected \w{64}/,
  ],
  ['checksum-wrong', ['fetch_chunk_list'], { IMAGE_CHUNKS_SHA256: 'a'.repeat(64) }, /expected a{64}/],
  ['image-broken-off', stream, { IMAGE_URL: 'file:///does/not/exist' }, /ended after 0 of \d+ bytes/],
  ['image-broken-off', stream, { IMAGE_URL: 'file:///dev/null' }, /but \d+ bytes came/],
  ['disk-write-failed', stream, { GIVEN_DEVICE: '/dev/full' }, /No space left|Invalid argument/],
  ['disk-export-failed', ['export_disk'], {}, /the controller was asked to write the disk: curl: \(7\)/],
  ['no-suitable-disk', ['choose_disk'], {}, /no disk matches the root device hint/],
  ['boot-loader-failed', ['install_boot_loader'], {}, /has no grub-install/],
  ['installer-failed', ['ls_nothing'], {}, /ls \/does\/not\/exist.*ended with status 2/],
];

it.each(cases)('%s: %s with %o', async (rule, steps, settings, reason) => {
  const message = await failing(steps, settings);
  const machine = await engine.inactiveMachine(`m${++machines}`, machines);
  const { id } = await engine.spawn(machine);
  await engine.until(machine.id, isBooting);
  await engine.say(id, 'install');
  await tellLog(id);
  await engine.say(id, 'failed', message);
  await expectWhy(machine, rule, reason);
});

const wipes: [rule: RuleId, step: string, settings: Record<string, string>, reason: RegExp][] = [
  ['wipe-failed', 'find_disks', {}, /no disk was found: nothing was wiped/],
  [
    'disk-cannot-discard',
    'choose_methods',
    { WIPE_MODE: 'discard', GIVEN_DISKS: 'the disk' },
    /cannot discard: its instance type needs wipe mode secure_erase/,
  ],
  [
    'secure-erase-impossible',
    'choose_methods',
    { WIPE_MODE: 'secure_erase', GIVEN_DISKS: 'the disk' },
    /has no secure erase.* needs wipe mode overwrite or discard/,
  ],
];

it.each(wipes)('%s: %s with %o', async (rule, step, settings, reason) => {
  const message = await failing([step], {
    ...settings,
    ...('GIVEN_DISKS' in settings && { GIVEN_DISKS: disk.path }),
  });
  const machine = await engine.inactiveMachine(`m${++machines}`, machines);
  const instance = await engine.spawn(machine);
  await engine.install(instance);
  await engine.verbs.destroy(instance.id, { kind: 'token', name: 'test' });
  await engine.until(machine.id, isBooting);
  await engine.say(instance.id, 'delete');
  await tellLog(instance.id);
  await engine.say(instance.id, 'failed', message);
  await expectWhy(machine, rule, reason);
});

it('every rule that this test is named for has applied', () => seen.expectAll());
