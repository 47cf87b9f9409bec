import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { Machine } from '#core';
import { type Deadlines, freePort, type RetryPolicy } from '#platform';
import { Why } from '#provisioning';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { type RuleId, Seen } from '../support/why-tested.js';

const asker = { kind: 'token', name: 'test' } as const;
const seen = new Seen('engine');

let postgres: TestPostgres;
let engine: TestEngine;
let machine: Machine;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

async function start(limits: Partial<Deadlines> = {}, retries?: RetryPolicy): Promise<void> {
  const site = { sshPort: await freePort() };
  engine = await TestEngine.start(await postgres.database(), undefined, limits, retries, site);
}

/** What is said of the machine, the rules that applied in their order. */
async function why(): Promise<string[]> {
  const site = { dhcp: 'off', publicUrl: 'http://controller' } as const;
  const answer = await new Why(engine, engine.clock, site).machine(await engine.machines.get(machine.id));
  expect(answer.headline).toContain(machine.name);
  for (const { says, next } of answer.findings) expect([says, ...next].join('')).not.toContain('undefined');
  return answer.findings.map(({ rule }) => rule);
}

async function expectWhy(...rules: RuleId[]): Promise<void> {
  expect(await why()).toEqual(rules);
  rules.forEach((rule) => seen.add(rule));
}

const isBooting = ({ stage, awaits }: Machine) => stage === 'booting' && awaits !== null;

describe('with time enough', () => {
  beforeEach(async () => {
    await start();
    machine = await engine.inactiveMachine('m1', 1);
  });
  afterEach(() => engine.stop());

  it('a machine that is enrolled was not checked', async () => {
    machine = await engine.enrol('m2', 2);
    await expectWhy('not-checked');
  });

  it('a machine that rests is free', () => expectWhy('free'));

  it('a machine that is being checked awaits its BMC', async () => {
    await engine.stopConductor();
    await engine.verbs.verify(machine.id, asker);
    await expectWhy('bmc-at-work');
  });

  it('an installed machine is in the pool, or in use', async () => {
    await engine.install(await engine.spawn(machine));
    await expectWhy('in-pool');
    machine = await engine.inactiveMachine('m2', 2);
    await engine.install(await engine.spawn(machine, 'blue', undefined, { createCluster: true }));
    await expectWhy('in-use');
  });

  it('one that went off by itself is stopped, and that nobody ordered it is told', async () => {
    await engine.install(await engine.spawn(machine));
    await engine.writer.recordPower(machine.id, 'off');
    await expectWhy('stopped', 'power-drift');
  });

  it('an order to its power is in hand until it is done', async () => {
    await engine.install(await engine.spawn(machine));
    await engine.stopConductor();
    await engine.verbs.orderPower(machine.id, 'stop', asker);
    await expectWhy('power-order-in-hand');
  });

  it('a mark is told with who put it there', async () => {
    await engine.verbs.maintain(machine.id, 'a fan is loud', asker);
    await engine.verbs.lock(machine.id, 'do not touch', asker);
    await expectWhy('free', 'in-maintenance', 'locked');
  });

  it('what was aborted is told with what was missing when it was', async () => {
    await engine.spawn(machine);
    await engine.until(machine.id, isBooting);
    await engine.verbs.abort(machine.id, asker);
    await expectWhy('aborted', 'nothing-seen');
  });

  it('a machine whose instance was given up waits for its wipe', async () => {
    const { id } = await engine.spawn(machine);
    await engine.until(machine.id, isBooting);
    await engine.verbs.forceDestroy(id, asker);
    await expectWhy('given-up-by-force');
  });

  it('an OS that came up without a config drive was to ask the metadata service', async () => {
    const { id: instanceId, configuration } = await engine.spawn(machine);
    expect(configuration.configDrive).toBe(false);
    await engine.until(machine.id, isBooting);
    await engine.say(instanceId, 'install');
    await engine.say(instanceId, 'install_reboot');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    const told = { machineId: machine.id, instanceId, message: '' };
    await engine.events.append({ ...told, kind: 'dhcp.ack', data: { vendorClass: 'udhcp 1.35.0' } });
    await expectWhy('metadata-never-asked');
    await engine.events.append({ ...told, kind: 'metadata.fetched' });
    expect(await why()).toEqual(['came-up-never-installed']);
  });

  it('a person that was called is waited for, and what they say of their failure is told', async () => {
    const instructions = 'Install it.';
    await engine.addImage('windows', {
      kind: 'iso',
      install: { method: 'manual', instructions, netboot: 'local', power: 'off', completion: 'notify' },
    });
    await engine.spawn(machine, undefined, undefined, { image: 'windows' });
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'operator' && awaits !== null);
    await expectWhy('person-called');
    await engine.verbs.manualFailed(machine.id, 'the disc is scratched', asker);
    await expectWhy('operator-failed');
  });

  it('an OS that is to answer on SSH and does not is told', async () => {
    await engine.verbs.change(machine.id, { pxeIp: '127.0.0.1' }, asker);
    const { id: imageId } = await engine.addImage('memory', {
      kind: 'tarball',
      install: {
        method: 'live',
        kernel: 'vmlinuz',
        initrd: 'initrd.img',
        kernelArguments: '',
        completion: 'ssh',
      },
    });
    await engine.spawn(machine, undefined, undefined, { image: 'memory' });
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'starting' && awaits !== null);
    await expectWhy('nothing-seen');
    for (const file of ['vmlinuz', 'initrd.img'])
      await engine.events.append({
        kind: 'http.completed',
        machineId: machine.id,
        message: `fetched ${file}`,
        data: { path: `/boot/images/${imageId}/tree/${file}` },
      });
    await expectWhy('no-answer-on-ssh');
  });

  it('the last words on a serial console are told besides', async () => {
    const { id: instanceId } = await engine.spawn(machine);
    await engine.until(machine.id, isBooting);
    const text = 'VFS: Cannot open root device\nKernel panic - not syncing: VFS: Unable to mount root fs';
    await engine.events.append({
      kind: 'console.output',
      machineId: machine.id,
      instanceId,
      message: '',
      data: { text },
    });
    await expectWhy('nothing-seen', 'console-error');
  });

  it('a fault of the controller itself is told as it is', async () => {
    engine.driver.status = () => Promise.reject(new Error('a fault'));
    await engine.verbs.verify(machine.id, asker);
    await engine.until(machine.id, ({ state }) => state === 'verify_failed');
    await expectWhy('unexplained');
  });
});

describe('with little time', () => {
  afterEach(() => engine.stop());

  it('a try that failed is told while the next one is waited for', async () => {
    await start({ bootingMs: 200 }, { retries: 1, backoffMs: 600_000 });
    machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    await engine.until(machine.id, ({ retryAt }) => retryAt !== null);
    await expectWhy('waiting-for-next-try', 'nothing-seen');
  });

  it('and after it has begun', async () => {
    await start({ bootingMs: 500 }, { retries: 1, backoffMs: 1 });
    machine = await engine.inactiveMachine('m1', 1);
    await engine.spawn(machine);
    await engine.until(machine.id, ({ state }) => state === 'install_failed');
    await expectWhy('nothing-seen', 'earlier-try');
  });

  it('an owner that is not taken is told before and after', async () => {
    await start({ handOverMs: 2000 });
    machine = await engine.inactiveMachine('m1', 1);
    await engine.install(await engine.spawn(machine));
    const sshKeys = ['ssh-ed25519 AAAAC3Nz me'];
    const { machineId } = await engine.spawn(undefined, undefined, undefined, { sshKeys });
    expect(machineId).toBe(machine.id);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'offered' && awaits !== null);
    await expectWhy('owner-not-taken-yet');
    await engine.until(machine.id, isBooting);
    await expectWhy('hand-over-not-taken', 'nothing-seen');
  });
});

it('every rule that this test is named for has applied', () => seen.expectAll());
