import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { InstanceView, MachineView, SpawnPreview } from '#contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CapturedRun, runCaptured } from '../../apps/cli/src/captured-io.js';
import type { CliIo } from '../../apps/cli/src/cli-io.js';
import {
  ControllerProcess,
  enrol,
  importImage,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';

const count = 4;

let rack: SimulatedRack;
let controller: ControllerProcess;
let folder: string;
let token: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-cli-verbs-'));
  rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
  rack.add(count);
  const environment = { DODAI_DEADLINE_SOFT_OFF_S: '1', DODAI_RETRIES: '0' };
  controller = await ControllerProcess.start(rack, { environment });
  token = await controller.token();
  const client = await controller.client();
  await importImage(client, 'simulated');
  await importImage(client, 'other');
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', count);
});
afterAll(async () => {
  rack?.stop();
  await controller?.end();
  await rm(folder, { recursive: true });
});

const sleep: CliIo['sleep'] = async (durationMs, signal) => {
  await pause(durationMs, undefined, { signal });
};

/** Words are divided by blanks, and by quotes where a word has some. */
const wordsOf = (line: string) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? '');

async function cli(line: string, given: Partial<CliIo> = {}): Promise<CapturedRun> {
  const env = { DODAI_URL: controller.url, DODAI_TOKEN: token };
  return runCaptured(wordsOf(line), { now: () => new Date(), sleep, env, ...given });
}

/** The document of a command that must succeed. */
async function json<Document>(line: string): Promise<Document> {
  const { code, stdout, stderr } = await cli(`${line} --json`);
  expect({ code, stderr }, line).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Document;
}

const spawn = (name: string, machine: string) =>
  `spawn ${name} --image simulated --instance-type ${simulatedType.name} --machine ${machine}`;

/** A terminal on which somebody answers so. */
const terminal = (answer: string) => ({ stdin: Object.assign(Readable.from([answer]), { isTTY: true }) });

const truthOf = (machine: string) => rack.slot(machine).machine.truth;

describe('an instance, from the command line', () => {
  beforeAll(async () => {
    const script = join(folder, 'first.sh');
    await writeFile(script, '#!/bin/sh\necho hello\n');
    const spawned = await cli(`${spawn('db1', 'sim-00001')} --zone C,blue,12 --user-data ${script} --wait`);
    expect(spawned).toMatchObject({ code: 0, stderr: expect.stringContaining('db1 is installed, ') });
  });

  it('is stopped, started, and restarted', async () => {
    expect(await json('stop db1 --wait')).toMatchObject({ state: 'stopped', powerOrder: null });
    expect((await cli('instances list')).stdout).toMatch(/^db1 .* stopped /m);
    expect(truthOf('sim-00001').power).toBe('off');
    expect((await cli('start db1 --wait')).stdout).toMatch(/^State +active$/m);
    const { powerOns } = truthOf('sim-00001');
    await json('reboot db1 --wait');
    await json('power-cycle db1 --wait');
    expect(truthOf('sim-00001').powerOns).toBe(powerOns + 2);
    await json('instances stop db1 --hard --wait');
    await json('machines start sim-00001');
    await json('instances start db1 --wait');
  });

  it('is locked: lists show it, and what is refused says why', async () => {
    await json('lock db1 --reason "the audit runs"');
    expect((await cli('instances list')).stdout).toMatch(/^db1 .* active locked /m);
    expect((await cli('machines list')).stdout).toMatch(/^sim-00001 +used locked /m);
    expect((await cli('instances show db1')).stdout).toMatch(/^Locked +the audit runs \(by first, .*\)$/m);
    expect(await cli('destroy db1')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /^Error: Machine locked: destroy is refused: .* the audit runs\nWhat to do: Unlock it first/,
      ),
    });
    expect((await cli('lock db1')).stderr).toContain("required option '--reason <text>'");
    await json('unlock db1');
  });

  it('is rebuilt when somebody at a terminal says yes', async () => {
    const refused = await cli('rebuild db1 --image other', terminal('n\n'));
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing was done.') });
    expect(truthOf('sim-00001').installations).toHaveLength(1);
    const { code, stdout, stderr } = await cli('rebuild db1 --image other --wait', terminal('y\n'));
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('on sim-00001, and lose what is on its disk? [y/N]'),
    });
    expect(stdout).toContain('db1 on sim-00001: installation');
    expect(await json('instances show db1')).toMatchObject({ image: { name: 'other' } });
  });

  it('shows what is possible, and is told when a verb is not', async () => {
    expect((await cli('instances show db1')).stdout).toMatch(
      /^Allowed now +destroy, force_destroy, rebuild/m,
    );
    const { code, stderr } = await cli('retry db1');
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('Possible now: ') });
  });

  it('is given up when its BMC is gone, and the machine is removed', async () => {
    rack.slot('sim-00001').bmc.faults.add({ kind: 'dead' });
    const { code, stderr } = await cli('destroy db1 --force');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('sim-00001 was not wiped, and nobody gets it.'),
    });
    expect(await json('machines show sim-00001')).toMatchObject({ state: 'delete_failed' });
    expect((await cli('machines show sim-00001')).stdout).toContain('the disks were not wiped');
    await json('machines delete sim-00001');
  });
});

it('a work is aborted and tried again', async () => {
  const { machine } = rack.slot('sim-00002');
  machine.faults.add({ kind: 'hangs', at: 'kernel' });
  await json(spawn('db2', machine.name));
  await machine.until(() => machine.moment === 'kernel');
  expect(await json('abort db2')).toMatchObject({ state: 'error', lastError: { code: 'aborted' } });
  machine.faults.clear();
  expect(await cli('retry db2 --wait')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('db2 is installed, '),
  });
});

describe('machines', () => {
  it('in maintenance are shown so, and passed over', async () => {
    await json('machines maintenance sim-00003 --reason "the fan"');
    expect((await cli('machines list')).stdout).toMatch(/^sim-00003 +inactive maintenance /m);
    const ask = `spawn db3 --image simulated --instance-type ${simulatedType.name} --dry-run`;
    const { stdout } = await cli(ask);
    expect(stdout).toContain('sim-00004 would be chosen: it would be installed.\nNo other machine would do.');
    expect(stdout).toMatch(/^1 +is in maintenance +sim-00003$/m);
    const named = await json<SpawnPreview>(`${ask} --machine sim-00003`);
    expect(named).toMatchObject({ chosen: null, alternatives: 0 });
    expect(await json<MachineView>('machines end-maintenance sim-00003')).toMatchObject({
      maintenance: null,
    });
  });

  it('that run something are adopted', async () => {
    const adopted = await json<InstanceView>('machines adopt sim-00004 --host-name old1 --cluster red');
    expect(adopted).toMatchObject({ hostName: 'old1', cluster: 'red', machine: { state: 'used' } });
    await json('machines lock sim-00004 --reason "it is not ours"');
    expect(await json('instances show old1')).toMatchObject({ locked: { reason: 'it is not ours' } });
    await json('machines unlock sim-00004');
  });
});

describe('an instance type', () => {
  it('is told what waits in its pool', async () => {
    await json(
      `instance-types set ${simulatedType.name} --default-image simulated --after-destroy reinstall`,
    );
    expect((await cli('instance-types list')).stdout).toMatch(/ 0 of simulated, reinstall$/m);
    expect((await cli(`instance-types show ${simulatedType.name}`)).stdout).toMatch(
      /^Default image +simulated$/m,
    );
    await json(`instance-types set ${simulatedType.name} --default-image none --after-destroy none`);
    expect((await cli('instance-types list')).stdout).toMatch(/ quick +-$/m);
  });
});

it.each([
  ['spawn db9 --image simulated --instance-type simulated --zone blue', 'availabilityZone is not a zone'],
  ['spawn db9 --image simulated --instance-type simulated --user-data /nowhere', 'there is no such file'],
  ['machines maintenance sim-00002', "required option '--reason <text>'"],
])('%s ends with 2', async (line, said) => {
  expect(await cli(line)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
});
