import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventView, InstanceView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
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
import { WebhookReceiver } from '../support/webhook-receiver.js';

let rack: SimulatedRack;
let controller: ControllerProcess;
let client: DodaiClient;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = new WebhookReceiver();
  await receiver.start();
  rack = new SimulatedRack({ bmcTimeoutMs: 20, behaviour: { retryMs: 50 } });
  rack.add(1);
  const environment = {
    DODAI_DEADLINE_SOFT_OFF_S: '1',
    DODAI_RETRIES: '0',
    DODAI_OPERATOR_WEBHOOK_URL: receiver.url,
    DODAI_OPERATOR_WEBHOOK_SECRET: `whsec_${WebhookReceiver.key}`,
  };
  controller = await ControllerProcess.start(rack, { environment });
  client = await controller.client();
  const { id } = await importImage(client, 'by-hand');
  const instructions = 'Put the disc into {{ machineName }},\nand call it {{ hostName }}.';
  const install = { method: 'manual', instructions, completion: 'notify' };
  expect(await ask('PATCH', `/v1/images/${id}`, { install })).toMatchObject({ status: 200 });
  await enrol(client, rack.slots);
  await untilInState(client, 'inactive', 1);
});
afterAll(async () => {
  rack?.stop();
  await controller?.end();
  await receiver?.stop();
});

const sleep: CliIo['sleep'] = async (durationMs, signal) => {
  await pause(durationMs, undefined, { signal });
};

/** A line without words that have blanks. */
async function cli(line: string, given: Partial<CliIo> = {}): Promise<CapturedRun> {
  const env = { DODAI_URL: controller.url, DODAI_TOKEN: await controller.token() };
  return runCaptured(line.split(' '), { now: () => new Date(), sleep, env, ...given });
}

/** A request as it is, for what the client has no word for. */
async function ask(method: string, path: string, body: object) {
  const authorization = `Bearer ${await controller.token()}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const response = await fetch(controller.url + path, { method, headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Waits until there are so many events of a kind. */
async function eventsOf(instance: InstanceView, kind: string, count: number): Promise<EventView[]> {
  const found: EventView[] = [];
  for await (const event of client.followEvents({ instanceId: instance.id, kind, after: '0' }))
    if (found.push(event) === count) return found;
  return found;
}

it('a person who was called is told what to do, and says how it went, whatever became of the controller meanwhile', async () => {
  const refused = await ask('PATCH', '/v1/images/by-hand', {
    install: { method: 'manual', instructions: 'Log in to {{ bmcPassword }}' },
  });
  expect(refused).toMatchObject({ status: 422, body: { code: 'image-unsuitable' } });

  receiver.answer = 500;
  const wish = { hostName: 'hand1', image: 'by-hand', instanceType: simulatedType.name };
  const spawned = await client.spawn({ ...wish, cluster: 'blue' });
  await eventsOf(spawned, 'wait.began', 1);
  await receiver.untilReceived(1);
  await controller.kill();
  receiver.answer = 200;
  await controller.startAgain();

  const shown = await cli('instances show hand1');
  expect(shown.stdout).toMatch(
    /A person is called:\n {2}Put the disc into sim-00001,\n {2}and call it hand1\.\n/,
  );
  const instructions = 'Put the disc into sim-00001,\nand call it hand1.';
  expect((await client.instance(spawned.id)).operatorCall).toMatchObject({ instructions });
  await receiver.untilReceived(2);
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
  const power = await cli('power on sim-00001');
  expect(power).toMatchObject({ code: 0 });
  expect((await cli('why hand1')).stdout).toContain('A person was called to install the machine');

  const failed = await cli('instances failed hand1 --reason scratched --json');
  expect(JSON.parse(failed.stdout)).toMatchObject({
    state: 'error',
    operatorCall: null,
    lastError: { code: 'operator-failed', message: expect.stringContaining('scratched') },
  });
  expect(await cli('instances done hand1')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('manual_done is not possible while sim-00001 is install_failed'),
  });
  await cli('retry hand1');
  await eventsOf(spawned, 'operator.called', 2);
  await receiver.untilReceived(3);
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(2);
  let text = '';
  let watched: Promise<CapturedRun> | undefined;
  const told = new Promise<void>((resolve) => {
    const write = (more: string) => (text += more).includes('Put the disc into sim-00001') && resolve();
    watched = cli('watch hand1', { stdout: { write } });
  });
  await told;
  expect(await cli('instances done hand1')).toMatchObject({ code: 0 });
  const moved = await eventsOf(spawned, 'stage.changed', 4);
  expect(moved.slice(-2).map(({ data }) => data.to)).toEqual(['install_reboot', 'booting_disk']);
  await cli('abort hand1');
  expect(await watched).toMatchObject({ code: 1 });
  expect(rack.slot('sim-00001').machine.truth.installations).toEqual([]);
});
