import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceView } from '#contract';
import {
  ControllerProcess,
  enrol,
  importImage,
  PowerSocket,
  RemotePowerDriver,
  SimulatedPowerDriver,
  SimulatedRack,
  simulatedType,
  untilInState,
} from '../../simulated-rack/index.js';
import { describePowerDriver, type PowerDriverUnderTest } from '../../support/power-driver-conformance.js';
import { startRedis, type TestRedis } from '../../support/redis.js';

const count = 40;
const waitSeconds = 120;

describe.each(['PostgreSQL', 'Redis'])('a simulated rack with the queue in %s', (backend) => {
  let redis: TestRedis | undefined;
  let rack: SimulatedRack;
  let controller: ControllerProcess;

  beforeAll(async () => {
    redis = backend === 'Redis' ? await startRedis() : undefined;
    rack = new SimulatedRack();
    rack.add(count);
    const environment: Record<string, string> = redis ? { REDIS_URL: redis.url.reveal() } : {};
    controller = await ControllerProcess.start(rack, { environment });
  });
  afterAll(async () => {
    rack?.stop();
    await controller?.end();
    await redis?.stop();
  });

  it('installs 40 machines that are spawned at once, and wipes them', { timeout: 240_000 }, async () => {
    const client = await controller.client();
    const image = await importImage(client, 'simulated');
    await enrol(client, rack.slots);
    await untilInState(client, 'inactive', count);

    const wish = { image: image.id, instanceType: simulatedType.name };
    const spawned = await Promise.all(
      rack.machines.map((_, index) => client.spawn({ ...wish, hostName: `host-${index}` })),
    );
    const ended = (wait: 'installed' | 'deleted') =>
      Promise.all(spawned.map(({ id }) => client.waitForInstance(id, wait, waitSeconds)));
    const ids = (instances: InstanceView[]) => new Set(instances.map(({ id }) => id));

    const installed = await ended('installed');
    expect(installed.map(({ state }) => state)).toEqual(Array(count).fill('active'));
    const inside = rack.machines.map(({ truth }) => truth.inside);
    const running = inside.flatMap((one) => (one.kind === 'installed-os' ? [one.os.instanceId] : []));
    expect(new Set(running)).toEqual(ids(spawned));
    for (const { truth } of rack.machines)
      expect(truth).toMatchObject({
        power: 'on',
        powerOns: 2,
        resets: 0,
        installations: [{ completed: true }],
      });

    await Promise.all(spawned.map(({ id }) => client.destroy(id)));
    await ended('deleted');
    for (const { truth } of rack.machines)
      expect(truth).toMatchObject({ power: 'off', disk: { kind: 'wiped' }, wipes: 1, powerOns: 3 });
  });
});

describe('the power of a simulated rack', () => {
  const underTest = (rack: SimulatedRack): Omit<PowerDriverUnderTest, 'driver'> => ({
    silent: { host: '127.2.99.99', port: 623 },
    makeBmc: () => {
      const [{ machine, bmc } = { machine: undefined, bmc: undefined }] = rack.add(1);
      if (!machine) throw new Error('the rack is empty');
      machine.behave({ bootsFrom: 'disk' });
      return {
        bmc: bmc.address,
        powerState: () => machine.truth.power,
        setPowerState: (state) => (state === 'on' ? machine.powerOn() : machine.powerOff()),
        bootDevice: () => machine.bootDevice?.device,
        stop: () => rack.stop(),
      };
    },
  });

  describePowerDriver('SimulatedPowerDriver', () => {
    const rack = new SimulatedRack({ bmcTimeoutMs: 50 });
    return { driver: new SimulatedPowerDriver(rack), ...underTest(rack) };
  });

  describe('from another process', () => {
    const rack = new SimulatedRack({ bmcTimeoutMs: 50 });
    const socket = new PowerSocket(rack);
    let directory: string;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'dodai-simulated-socket-'));
      await socket.start(join(directory, 'socket'));
    });
    afterAll(async () => {
      await socket.stop();
      await rm(directory, { recursive: true, force: true });
    });

    describePowerDriver('RemotePowerDriver', () => ({
      driver: new RemotePowerDriver(join(directory, 'socket')),
      ...underTest(rack),
    }));
  });
});
