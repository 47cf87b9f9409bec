import { randomBytes } from 'node:crypto';
import {
  createLogger,
  type Deadlines,
  type RetryPolicy,
  Secret,
  SecretBox,
  SystemClock,
  WakeQueue,
} from '#platform';
import { PowerControl } from '#power';
import {
  Bmc,
  Callbacks,
  type Conductor,
  createConductor,
  Spawning,
  type SpawnRequest,
  Verbs,
} from '#provisioning';
import {
  Database,
  EventFeed,
  EventStore,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  MachineStore,
  Reservations,
} from '#store';
import { FakePowerDriver } from '#testing';
import type { Machine } from '#core';

const deadlines: Deadlines = {
  powerMs: 5000,
  bootingMs: 60_000,
  installMs: 60_000,
  softOffMs: 50,
  bootingDiskMs: 60_000,
  handOverMs: 60_000,
  deleteMs: 60_000,
};

const asker = { kind: 'token', name: 'test' } as const;

/** The whole engine on a real database and a real queue; only the BMCs are in memory. */
export class TestEngine {
  readonly clock = new SystemClock();
  readonly driver = new FakePowerDriver();
  readonly machines: MachineStore;
  readonly instances: InstanceStore;
  readonly images: ImageStore;
  readonly types: InstanceTypeStore;
  readonly events: EventStore;
  readonly feed: EventFeed;
  readonly writer: LifecycleWriter;
  readonly spawning: Spawning;
  readonly verbs: Verbs;
  readonly callbacks: Callbacks;
  private readonly bmc: Bmc;
  private conductor: Conductor | undefined;

  private constructor(
    readonly database: Database,
    readonly queue: WakeQueue,
    readonly box: SecretBox,
    private readonly limits: Deadlines,
    private readonly retries: RetryPolicy,
  ) {
    this.machines = new MachineStore(database);
    this.instances = new InstanceStore(database);
    this.images = new ImageStore(database);
    this.types = new InstanceTypeStore(database);
    this.events = new EventStore(database);
    this.feed = new EventFeed(database, this.events, logger);
    this.writer = new LifecycleWriter(database);
    const power = new PowerControl(this.driver, this.clock, { gapMs: 0, minBackoffMs: 1, readBackMs: 10 });
    this.bmc = new Bmc(power, this.machines, this.events, this.writer);
    this.spawning = new Spawning(this, new Reservations(database), queue);
    this.verbs = new Verbs(this, this.writer, this.bmc, { queue, clock: this.clock });
    this.callbacks = new Callbacks(this, this.writer, queue, { box, clock: this.clock, deadlines: limits });
  }

  static async start(
    databaseUrl: Secret,
    redisUrl?: Secret,
    limits: Partial<Deadlines> = {},
    retries: RetryPolicy = { retries: 0, backoffMs: 1 },
  ): Promise<TestEngine> {
    const clock = new SystemClock();
    const box = new SecretBox(randomBytes(32));
    const database = await Database.open(databaseUrl, clock, box);
    const queue = await WakeQueue.open({ databaseUrl, redisUrl }, clock, logger);
    const engine = new TestEngine(database, queue, box, { ...deadlines, ...limits }, retries);
    await engine.feed.start();
    await engine.startConductor();
    await engine.types.create(smallType);
    await engine.images.create(smallImage);
    return engine;
  }

  async startConductor(): Promise<void> {
    const { machines, instances, writer, bmc, queue, feed, clock, limits } = this;
    const host = { queue, feed, clock, logger };
    const engine = { machines, instances, writer, bmc, deadlines: limits, retries: this.retries, host };
    this.conductor = createConductor(engine);
    await this.conductor.start();
  }

  async stopConductor(): Promise<void> {
    await this.conductor?.stop();
  }

  /** Enrols a machine whose BMC answers and has it verified. */
  async inactiveMachine(name: string, number: number, power: 'on' | 'off' = 'off'): Promise<Machine> {
    const machine = await this.enrol(name, number);
    this.driver.add(this.addressOf(machine), { power });
    await this.verbs.verify(machine.id, asker);
    return this.until(machine.id, ({ state }) => state === 'inactive');
  }

  enrol(name: string, number: number): Promise<Machine> {
    const machine = {
      name,
      instanceType: smallType.name,
      vcpus: 1,
      memoryMb: 1024,
      localGb: 8,
      availabilityZone: 'lab',
      bmcHost: '10.0.0.1',
      bmcPort: 1000 + number,
      bmcUser: 'admin',
      bmcPassword: new Secret('secret'),
      bmcCipherSuite: 3,
      pxeMac: `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`,
      bootMode: 'bios' as const,
      labels: {},
    };
    return this.machines.create(machine, 'test');
  }

  addressOf({ bmcHost, bmcPort, bmcUser }: Machine) {
    const password = new Secret('secret');
    return { host: bmcHost, port: bmcPort, user: bmcUser, password, cipherSuite: 3 as const };
  }

  spawn(machine?: Machine, cluster?: string, key?: string, more: Partial<SpawnRequest> = {}) {
    const wish = { hostName: 'web1', image: smallImage.name, instanceType: smallType.name, sshKeys: [] };
    return this.spawning.spawn({ ...wish, machine: machine?.id, cluster, ...more }, asker, key);
  }

  /** Waits, by event, until the machine is as wanted. */
  async until(machineId: string, wanted: (machine: Machine) => boolean): Promise<Machine> {
    let unsubscribe = () => {};
    const changed = () =>
      new Promise<void>((resolve) => (unsubscribe = this.feed.subscribe(() => resolve())));
    for (;;) {
      const next = changed();
      const machine = await this.machines.get(machineId);
      if (wanted(machine)) {
        unsubscribe();
        return machine;
      }
      await next;
      unsubscribe();
    }
  }

  token(instanceId: string): string {
    return this.box.token('notify', instanceId).reveal();
  }

  async stop(): Promise<void> {
    await this.stopConductor();
    await this.queue.close();
    await this.feed.stop();
    await this.database.close();
  }
}

const logger = createLogger({ level: 'silent', pretty: false });

const smallType = {
  name: 'small',
  vcpus: 1,
  memoryMb: 1024,
  localGb: 8,
  rootSizeMib: 2048,
  swapSizeMib: 128,
  kdumpSizeMib: 64,
  ephemeralSizeMib: 0,
  wipeMode: 'quick' as const,
  defaultImageId: null,
  afterDestroy: 'none' as const,
  poolSize: 0,
};

const smallImage = {
  name: 'debian',
  sha256: 'a'.repeat(64),
  sourceSha256: 'a'.repeat(64),
  compressedBytes: 1000,
  uncompressedBytes: 1_000_000,
  fileSystem: 'ext4',
  defaultUser: null,
};
