import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceCreateInput, InstanceView } from '#contract';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  ControllerProcess,
  enrol,
  type Fault,
  importImage,
  type SimulatedMachine,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../simulated-rack/index.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0 owner@desk';
const userData = `#!/bin/sh\necho "it's $(hostname)" >/root/hello\n`;
const waitSeconds = 60;

/** A controller with machines that are free, to be used one after another. */
class Site {
  private used = 0;

  private constructor(
    readonly rack: SimulatedRack,
    readonly controller: ControllerProcess,
    readonly client: DodaiClient,
  ) {}

  static async raise(count: number, environment: Record<string, string> = {}): Promise<Site> {
    const rack = new SimulatedRack({ bmcTimeoutMs: 50, behaviour: { retryMs: 20 } });
    rack.add(count);
    const controller = await ControllerProcess.start(rack, { environment });
    const client = await controller.client();
    await importImage(client, 'simulated');
    await enrol(client, rack.slots);
    await untilInState(client, 'inactive', count);
    return new Site(rack, controller, client);
  }

  async down(): Promise<void> {
    this.rack.stop();
    await this.controller.end();
  }

  spawn(machine: SimulatedMachine, more: Partial<InstanceCreateInput>): Promise<InstanceView> {
    const wish = { hostName: 'owned', image: 'simulated', instanceType: simulatedType.name };
    return this.client.spawn({ ...wish, machine: machine.name, ...more });
  }

  async installed({ id }: InstanceView): Promise<InstanceView> {
    return this.client.waitForInstance(id, 'installed', waitSeconds);
  }

  /** A machine that nobody has used yet, waiting in the pool. */
  async pooled(): Promise<{ machine: SimulatedMachine; pool: InstanceView }> {
    const { machine } = this.rack.slots[this.used++]!;
    const pool = await this.installed(await this.spawn(machine, { hostName: `pool-${machine.name}` }));
    await machine.until(({ moment }) => moment === 'owner');
    return { machine, pool };
  }

  own(machine: SimulatedMachine, more: Partial<InstanceCreateInput> = {}): Promise<InstanceView> {
    return this.spawn(machine, { cluster: 'blue', sshKeys: [key], userData, ...more });
  }

  /** Until the conductor has begun to wait for the OS in the pool. */
  async untilAwaited({ name }: SimulatedMachine): Promise<void> {
    const { id } = await this.client.machine(name);
    for await (const { kind, machineId, message } of this.client.followEvents({ after: '0' }))
      if (kind === 'wait.began' && machineId === id && message.includes('new owner')) return;
  }

  async rebuild(id: string): Promise<void> {
    const headers = {
      authorization: `Bearer ${await this.controller.token()}`,
      'content-type': 'application/json',
    };
    const url = `${this.controller.url}/v1/instances/${id}/rebuild`;
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(202);
  }

  ask(id: string, token: string, timeout = 0): Promise<Response> {
    const url = `${this.controller.url}/v1/instances/${id}/owner?timeout=${timeout}`;
    return fetch(url, { headers: { authorization: `Bearer ${token}` } });
  }
}

/** Who runs on the machine, when an OS does. */
function inside({ truth }: SimulatedMachine) {
  return truth.inside.kind === 'installed-os' ? truth.inside.os : undefined;
}

const ownerOf = ({ id, hostName }: InstanceView) => ({
  instanceId: id,
  hostName,
  sshKeys: [key],
  userData,
  userDataRuns: 1,
  reported: true,
  pooled: false,
});

describe('a machine in the pool', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.raise(10);
  });
  afterAll(() => site?.down());

  it('is handed over with key and user data inside, with no installation and no power cycle', async () => {
    const { machine, pool } = await site.pooled();
    const owned = await site.installed(await site.own(machine));
    expect(owned).toMatchObject({ state: 'active', cluster: 'blue', reusedInstanceId: pool.id });
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth).toMatchObject({ powerOns: 2, resets: 0, handOvers: [owned.id] });
    expect(machine.truth.installations).toHaveLength(1);
    expect((await site.client.machine(machine.name)).state).toBe('used');
    expect((await site.client.instance(pool.id)).state).toBe('deleted');
  });

  it('that is off is switched on and handed over', async () => {
    const { machine } = await site.pooled();
    machine.powerOff();
    const owned = await site.installed(await site.own(machine));
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth).toMatchObject({ powerOns: 3, installations: [{ completed: true }] });
  });

  it('that starts again in the middle goes on where it was', async () => {
    const { machine } = await site.pooled();
    machine.faults.add({ kind: 'restarts', at: 'hand-over' });
    const owned = await site.installed(await site.own(machine));
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth).toMatchObject({ resets: 1, handOvers: [owned.id] });
    expect(machine.truth.installations).toHaveLength(1);
  });

  it('whose OS cannot take its owner is installed for that owner instead', async () => {
    const { machine } = await site.pooled();
    machine.faults.add({ kind: 'fails', at: 'hand-over', message: 'the disk is full', times: 1 });
    const owned = await site.installed(await site.own(machine));
    expect(owned).toMatchObject({ state: 'active', lastError: null });
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth).toMatchObject({ handOvers: [], installations: [{}, { instanceId: owned.id }] });
    const said: string[] = [];
    for await (const { message } of site.client.listEvents({ instanceId: owned.id })) said.push(message);
    expect(said.join('\n')).toContain(`${machine.name}: the disk is full`);
  });

  it('goes to one of two who want it, and the other is refused', async () => {
    const { machine } = await site.pooled();
    const outcomes = await Promise.allSettled([site.own(machine), site.own(machine)]);
    const [owned] = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(refusals).toMatchObject([{ code: 'machine-unavailable' }]);
    await site.installed(owned!);
    expect(machine.truth.handOvers).toEqual([owned!.id]);
  });

  it('is handed over by a controller that was stopped while the machine asked', async () => {
    const { machine } = await site.pooled();
    await site.controller.stop();
    await site.controller.startAgain();
    const owned = await site.installed(await site.own(machine));
    expect(machine.truth.handOvers).toEqual([owned.id]);
  });

  // A conductor that dies at work leaves its machine alone until the queue has noticed.
  it('is handed over by a controller that was killed in the middle', { timeout: 180_000 }, async () => {
    const { machine } = await site.pooled();
    const { hooks } = site.rack.world;
    hooks.onMoment = async (at, moment) => {
      if (at !== machine || moment !== 'hand-over') return;
      hooks.onMoment = undefined;
      await site.untilAwaited(machine);
      await site.controller.kill();
      await site.controller.startAgain();
    };
    const asked = await site.own(machine);
    await machine.until(({ truth }) => truth.handOvers.length > 0);
    const owned = await site.installed(asked);
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth.installations).toHaveLength(1);
  });

  it('tells its owner to itself alone, and only while it is handed over', async () => {
    const { machine, pool } = await site.pooled();
    const { token } = inside(machine)!;
    expect((await site.ask(pool.id, token)).status).toBe(204);
    expect((await site.ask(pool.id, 'guessed')).status).toBe(403);
    const owned = await site.installed(await site.own(machine));
    expect((await site.ask(owned.id, token)).status).toBe(403);
    const late = await site.ask(pool.id, token);
    expect(late.status).toBe(410);
    expect(await late.json()).toMatchObject({ code: 'not-in-pool' });
    expect((await site.ask(owned.id, inside(machine)!.token)).status).toBe(410);
  });

  it('that has an owner, though no cluster, is handed to nobody else', async () => {
    const { machine } = site.rack.slots.at(-1)!;
    const first = await site.installed(await site.spawn(machine, { sshKeys: [key] }));
    expect(first.pooled).toBe(false);
    await expect(site.own(machine)).rejects.toMatchObject({ code: 'machine-unavailable' });
    expect(machine.moment).toBe('up');
  });

  it("that was rebuilt is its owner's, who asked for that, and is handed to nobody else", async () => {
    const { machine, pool } = await site.pooled();
    await site.rebuild(pool.id);
    expect(await site.installed(pool)).toMatchObject({ state: 'active', pooled: false });
    await expect(site.own(machine)).rejects.toMatchObject({ code: 'machine-unavailable' });
    await machine.until(({ moment }) => moment === 'up');
    expect(machine.truth.installations).toHaveLength(2);
  });
});

describe('a machine in the pool that does not answer in time', () => {
  const silences: [what: string, fault: Fault][] = [
    ['never asks', { kind: 'hangs', at: 'owner', times: 1 }],
    ['never says installed', { kind: 'never-says', word: 'installed', times: 1 }],
  ];
  let site: Site;

  beforeAll(async () => {
    site = await Site.raise(silences.length + 1, {
      DODAI_DEADLINE_HAND_OVER_S: '1',
      DODAI_DEADLINE_SOFT_OFF_S: '1',
    });
  });
  afterAll(() => site?.down());

  it.each(silences)('%s is installed for its owner instead', async (_, fault) => {
    const { machine } = await site.pooled();
    machine.faults.add(fault);
    if (fault.kind === 'hangs') machine.reset();
    if (fault.kind === 'hangs') await machine.until(({ moment }) => moment === 'owner');
    const owned = await site.installed(await site.own(machine));
    expect(owned).toMatchObject({ state: 'active', lastError: null });
    expect(inside(machine)).toMatchObject(ownerOf(owned));
    expect(machine.truth.installations).toHaveLength(2);
  });

  it("since it lost its power in the middle ends as its owner's, by whichever way", async () => {
    const { machine } = await site.pooled();
    machine.faults.add({ kind: 'loses-power', at: 'hand-over' });
    const owned = await site.installed(await site.own(machine));
    expect(inside(machine)).toMatchObject(ownerOf(owned));
  });
});
