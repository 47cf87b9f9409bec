import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageInstall, Instance, Machine, TimelineEvent } from '#core';
import { freePort, Secret } from '#platform';
import { Webhook } from '#provisioning';
import { TestEngine } from '../support/engine.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { GreetingServer } from '../support/ssh-server.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

let postgres: TestPostgres;
let engine: TestEngine;
let receiver: WebhookReceiver;
let machine: Machine;
let instance: Instance;
let sshPort: number;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  receiver = new WebhookReceiver();
  await receiver.start();
  sshPort = await freePort();
});
afterEach(async () => {
  await engine.stop();
  await receiver.stop();
});

const asker = { kind: 'token', name: 'eve' } as const;
const manual: ImageInstall & { method: 'manual' } = {
  method: 'manual',
  instructions: 'Put the disc into {{ machineName }} ({{ bmcHost }}) and call it {{ hostName }}.',
  netboot: 'local',
  power: 'off',
  completion: 'ssh',
};

/** A machine that a person is called to. */
async function called(
  says: Partial<typeof manual> = {},
  webhook: Webhook | null = new Webhook(receiver.settings),
  sweepMs?: number,
): Promise<void> {
  const site = { sshPort, sweepMs, webhook: webhook ?? undefined };
  engine = await TestEngine.start(await postgres.database(), undefined, {}, undefined, site);
  await engine.addImage('windows', { kind: 'iso', install: { ...manual, ...says } });
  machine = await engine.inactiveMachine('m1', 1);
  machine = await engine.verbs.change(machine.id, { pxeIp: '127.0.0.1' }, asker);
  instance = await engine.spawn(machine, 'blue', undefined, { image: 'windows' });
  await untilCalled();
}

const untilCalled = () =>
  engine.until(machine.id, ({ stage, awaits }) => stage === 'operator' && awaits !== null);
const eventsOf = async (kind: string): Promise<TimelineEvent[]> =>
  (await engine.events.list({ machineId: machine.id, kinds: [kind], limit: 100 })).items;
const isToldOf = (delivered: boolean) => (event: TimelineEvent) =>
  event.kind === 'operator.webhook' && event.data.delivered === delivered;

describe('a person', () => {
  it('is called with instructions of this machine, and the machine is as the image says', async () => {
    await called();
    const [call, ...more] = await eventsOf('operator.called');
    expect(more).toEqual([]);
    expect(call).toMatchObject({
      instanceId: instance.id,
      message: 'A person is called to install web1 on m1, which is off',
      data: { instructions: 'Put the disc into m1 (10.0.0.1) and call it web1.', power: 'off' },
    });
    expect(await engine.driver.status(engine.addressOf(machine))).toBe('off');
  });

  it('finds the machine on when the image says so, with a shell of our live image', async () => {
    await called({ power: 'on', netboot: 'live_image' });
    expect(await engine.driver.status(engine.addressOf(machine))).toBe('on');
    const boot = await engine.netbooting.decide(machine.pxeMac);
    expect(boot).toMatchObject({ kind: 'kernel', kernelPath: 'boot/live/vmlinuz' });
    expect(boot).toHaveProperty('arguments', expect.arrayContaining(['dodai_shell']));
    expect(JSON.stringify(boot)).not.toContain('dodai_script');
  });

  it('has the power of the machine meanwhile, and nobody switches it back', async () => {
    await called();
    await engine.verbs.power(machine.id, 'on', asker);
    await engine.stopConductor();
    await engine.startConductor();
    await engine.verbs.power(machine.id, 'reset', asker);
    expect(engine.orders).toEqual(['on', 'reset']);
    await engine.verbs.manualFailed(machine.id, 'the disc is scratched', asker);
    await engine.verbs.retry(machine.id, asker);
    await untilCalled();
    expect(engine.orders).toEqual(['on', 'reset', 'off']);
  });

  it('says that it is done, and is believed when the OS answers on SSH after a start of its own', async () => {
    await called();
    await engine.verbs.manualDone({ instanceId: instance.id }, asker);
    const waiting = await engine.until(
      machine.id,
      ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null,
    );
    expect(waiting.awaits).toBe('the OS to answer on SSH at 127.0.0.1');
    const server = await GreetingServer.start('Unauthorized use\r\nSSH-2.0-Test\u0007_1\r\n', sshPort);
    await engine.until(machine.id, ({ state }) => state === 'used');
    await server.stop();
    const installed = (await eventsOf('stage.changed')).find(({ data }) => data.to === 'installed');
    expect(installed).toMatchObject({
      message: 'm1 answers on SSH at 127.0.0.1: SSH-2.0-Test?_1',
      data: { address: '127.0.0.1', greeting: 'SSH-2.0-Test?_1' },
    });
    expect(engine.orders).toEqual(['on']);
  });

  it('has the OS looked for by another conductor when the one that looked is no more', async () => {
    await called({}, null, 100);
    await engine.verbs.manualDone({ instanceId: instance.id }, asker);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    engine.queue.wakeAt(machine.id, new Date(Date.now() + 3_600_000)); // nobody is to look again by himself
    const server = await GreetingServer.start('SSH-2.0-Test\r\n', sshPort);
    await engine.until(machine.id, ({ state }) => state === 'used');
    await server.stop();
  });

  it('need not wait for that when the OS says it itself', async () => {
    await called();
    await engine.verbs.manualDone({ instanceId: instance.id }, asker);
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    await engine.say(instance.id, 'installed');
    await engine.until(machine.id, ({ state }) => state === 'used');
  });

  it('says that it failed, and why; a retry calls them again', async () => {
    await called();
    await engine.verbs.manualFailed({ instanceId: instance.id }, 'the disc is scratched', asker);
    const failed = await engine.machines.get(machine.id);
    expect(failed).toMatchObject({ state: 'install_failed', failedStage: 'operator' });
    expect(failed.lastError).toMatchObject({
      code: 'operator-failed',
      message: 'eve could not install m1: the disc is scratched',
    });
    await engine.verbs.retry({ instanceId: instance.id }, asker);
    await untilCalled();
    await receiver.untilReceived(2);
    const calls = await eventsOf('operator.called');
    expect(calls).toHaveLength(2);
    expect(new Set(receiver.received.map(({ id }) => id))).toEqual(
      new Set(calls.map(({ data }) => data.call)),
    );
  });

  it('is called once however often the conductor ends, and a work that was aborted is not called for', async () => {
    await called({}, null);
    for (let times = 0; times < 3; times += 1) {
      await engine.stopConductor();
      await engine.startConductor();
    }
    await engine.verbs.abort({ instanceId: instance.id }, asker);
    await expect(engine.verbs.manualDone({ instanceId: instance.id }, asker)).rejects.toMatchObject({
      code: 'verb-not-allowed',
      message: 'manual_done is not possible while m1 is install_failed.',
    });
    expect(await eventsOf('operator.called')).toHaveLength(1);
    expect(await eventsOf('operator.webhook')).toEqual([]);
  });

  it('may leave it to a script, which reports as any installer does', async () => {
    await called({ completion: 'notify' });
    expect(await engine.netbooting.file(instance.id, 'notify.sh')).toContain(engine.token(instance.id));
    await engine.say(instance.id, 'install');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'install' && awaits !== null);
    await expect(engine.verbs.manualDone(machine.id, asker)).rejects.toMatchObject({
      code: 'verb-not-allowed',
      message: 'manual_done is not possible while m1 is installing (install).',
    });
    await engine.say(instance.id, 'install_reboot');
    await engine.until(machine.id, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    await engine.say(instance.id, 'installed');
    await engine.until(machine.id, ({ state }) => state === 'used');
  });
});

describe('the webhook', () => {
  it('is told what the timeline says, signed, and its address is nobody’s to read', async () => {
    await called();
    await receiver.untilReceived(1);
    await engine.untilEvent(machine.id, isToldOf(true));
    const [call] = await eventsOf('operator.called');
    const { call: id, ...data } = call!.data;
    expect(receiver.received).toEqual([
      { id, message: { type: 'operator.called', timestamp: call!.at.toISOString(), data } },
    ]);
    expect(JSON.stringify(await eventsOf('operator.webhook'))).not.toContain('secret-path');
  });

  it('is told again while it takes nothing, also by another conductor, with the same id; the failure is told once', async () => {
    receiver.answer = 503;
    await called();
    await receiver.untilReceived(2);
    await engine.stopConductor();
    const before = receiver.received.length;
    await engine.startConductor();
    await receiver.untilReceived(before + 1);
    receiver.answer = 204;
    await engine.untilEvent(machine.id, isToldOf(true));
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
    const { origin } = new URL(receiver.url);
    expect((await eventsOf('operator.webhook')).map(({ message }) => message)).toEqual([
      `The webhook at ${origin} took nothing: it answered with HTTP 503.`,
      `The webhook at ${origin} was told that a person is called`,
    ]);
    expect(await eventsOf('operator.called')).toHaveLength(1);
  });

  it('that is away is never in the way of the work', async () => {
    const url = new Secret(`http://127.0.0.1:${await freePort()}/`);
    await called({}, new Webhook({ ...receiver.settings, url }));
    await engine.untilEvent(machine.id, isToldOf(false));
    expect((await eventsOf('operator.webhook'))[0]?.message).toContain('nothing listens there');
    await engine.verbs.manualDone(machine.id, asker);
    await engine.until(machine.id, ({ stage }) => stage === 'booting_disk');
  });
});

describe('what cannot be', () => {
  it('instructions that name what there is not are refused when the image is changed', async () => {
    engine = await TestEngine.start(await postgres.database());
    const image = { name: 'windows', kind: 'iso' } as const;
    const wrong = { ...manual, instructions: 'Log in to\n {{ bmcPassword }}' };
    await expect(engine.methods.checkSaid(image, wrong)).rejects.toThrow(
      expect.objectContaining({
        code: 'image-unsuitable',
        message: expect.stringMatching(
          /there is no value bmcPassword; known are hostName, .*\(line 2, column 5\)\./,
        ),
        context: { field: 'install.instructions' },
      }),
    );
    await engine.methods.checkSaid(image, manual);
  });

  it('an OS is not looked for where nobody knows its address: the spawn is refused with what to do', async () => {
    engine = await TestEngine.start(await postgres.database());
    await engine.addImage('windows', { kind: 'iso', install: manual });
    await engine.inactiveMachine('m1', 1);
    const wish = { image: 'windows' };
    await expect(engine.spawn(undefined, 'blue', undefined, wish)).rejects.toMatchObject({
      code: 'invalid-request',
      message: 'network: the OS on m1 is to be seen answering on SSH, and no address of it is known.',
      remedy: expect.stringContaining('pxeIp'),
    });
    const network = {
      links: [],
      addresses: [{ type: 'static' as const, link: 'pxe', address: '10.1.0.5/24' }],
      dns: { servers: [], searchDomains: [] },
    };
    const { hostName } = await engine.spawn(undefined, 'blue', undefined, { ...wish, network });
    expect(hostName).toBe('web1');
  });
});
