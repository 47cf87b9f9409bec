import { randomBytes } from 'node:crypto';
import {
  createLogger,
  type Clock,
  type Deadlines,
  type PowerSyncPolicy,
  type RetryPolicy,
  Secret,
  SecretBox,
  SystemClock,
  WakeQueue,
} from '#platform';
import { PowerControl } from '#power';
import {
  allMethods,
  Bmc,
  Callbacks,
  type Conductor,
  createConductor,
  type InstallMethods,
  Netbooting,
  OperatorCalls,
  PoolKeeper,
  PowerSync,
  Spawning,
  type SpawnRequest,
  SshGreetings,
  Verbs,
  type Webhook,
} from '#provisioning';
import {
  Database,
  EventFeed,
  EventStore,
  GuestReportStore,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  LookSchedule,
  MachineStore,
  Reservations,
} from '#store';
import { type FakeCommand, FakePowerDriver } from '#testing';
import { configuringOn } from './configuring.js';
import { methodHost } from './install-methods.js';
import type { Image, Instance, Machine, NotifyState, TimelineEvent } from '#core';

const deadlines: Deadlines = {
  powerMs: 5000,
  bootingMs: 60_000,
  installMs: 60_000,
  softOffMs: 50,
  bootingDiskMs: 60_000,
  handOverMs: 60_000,
  operatorMs: 60_000,
  deleteMs: 60_000,
};

const asker = { kind: 'token', name: 'test' } as const;

/** What is around the engine. */
interface Site {
  webhook?: Webhook;
  /** Where OSs are looked for. */
  sshPort?: number;
  sweepMs?: number;
}

/** The whole engine on a real database and a real queue; only the BMCs are in memory. */
export class TestEngine {
  readonly clock = new SystemClock();
  /** Runs ahead of every command to a BMC; may wait or throw in its stead. */
  beforeCommand: (command: FakeCommand) => void | Promise<void> = () => undefined;
  readonly driver = new FakePowerDriver((command) => this.beforeCommand(command));
  readonly machines: MachineStore;
  readonly instances: InstanceStore;
  readonly images: ImageStore;
  readonly types: InstanceTypeStore;
  readonly events: EventStore;
  readonly reports: GuestReportStore;
  readonly feed: EventFeed;
  readonly writer: LifecycleWriter;
  readonly methods: InstallMethods;
  readonly netbooting: Netbooting;
  readonly spawning: Spawning;
  readonly verbs: Verbs;
  readonly callbacks: Callbacks;
  readonly bmc: Bmc;
  private conductor: Conductor | undefined;

  private constructor(
    readonly database: Database,
    readonly queue: WakeQueue,
    readonly box: SecretBox,
    private readonly limits: Deadlines,
    private readonly retries: RetryPolicy,
    private readonly site: Site,
  ) {
    this.machines = new MachineStore(database);
    this.instances = new InstanceStore(database);
    this.images = new ImageStore(database);
    this.types = new InstanceTypeStore(database);
    this.events = new EventStore(database);
    this.reports = new GuestReportStore(database);
    this.feed = new EventFeed(database, this.events, logger);
    this.writer = new LifecycleWriter(database);
    const power = new PowerControl(this.driver, this.clock, {
      gapMs: 0,
      minBackoffMs: 1,
      readBackMs: 10,
      handOnAfterMs: 20,
    });
    this.bmc = new Bmc(power, this.machines, this.events, this.writer);
    const configuring = configuringOn(database);
    const host = methodHost(box);
    this.methods = allMethods(host);
    this.netbooting = new Netbooting(this, this.methods, host);
    this.spawning = new Spawning(this, new Reservations(database), queue, {
      configuring,
      methods: this.methods,
    });
    this.verbs = new Verbs(this, this.writer, this.bmc, {
      queue,
      clock: this.clock,
      methods: this.methods,
    });
    this.callbacks = new Callbacks(this, this.writer, queue, { box, clock: this.clock, deadlines: limits });
  }

  static async start(
    databaseUrl: Secret,
    redisUrl?: Secret,
    limits: Partial<Deadlines> = {},
    retries: RetryPolicy = { retries: 0, backoffMs: 1 },
    site: Site = {},
  ): Promise<TestEngine> {
    const clock = new SystemClock();
    const box = new SecretBox(randomBytes(32));
    const database = await Database.open(databaseUrl, clock, box);
    const queue = await WakeQueue.open({ databaseUrl, redisUrl }, clock, logger);
    const engine = new TestEngine(database, queue, box, { ...deadlines, ...limits }, retries, site);
    await engine.feed.start();
    await engine.startConductor();
    await engine.types.create(smallType);
    await engine.images.create(smallImage);
    return engine;
  }

  async startConductor(): Promise<void> {
    const { machines, instances, images, types, events, methods, writer, bmc, queue, feed, clock, limits } =
      this;
    const host = { queue, feed, clock, logger };
    const { webhook, sshPort, sweepMs = 60_000 } = this.site;
    const pauses = { firstMs: 50, longestMs: 200 };
    const engine = {
      machines,
      instances,
      images,
      types,
      calls: new OperatorCalls(events, writer, { clock, logger, webhook, pauses }),
      ssh: new SshGreetings(sshPort),
      methods,
      writer,
      bmc,
      deadlines: limits,
      retries: this.retries,
      sweepMs,
      host,
    };
    this.conductor = createConductor(engine);
    await this.conductor.start();
  }

  async stopConductor(): Promise<void> {
    await this.conductor?.stop();
  }

  /** Not started; whoever starts it stops it. */
  powerSync(policy: Partial<PowerSyncPolicy>, clock: Clock = this.clock): PowerSync {
    const { database, bmc, writer, feed } = this;
    const every = { intervalMs: 20, concurrency: 4, ...policy };
    return new PowerSync({ schedule: new LookSchedule(database), bmc, writer }, every, {
      feed,
      clock,
      logger,
    });
  }

  /** Enrols a machine whose BMC answers and has it verified. */
  async inactiveMachine(name: string, number: number, power: 'on' | 'off' = 'off'): Promise<Machine> {
    const machine = await this.enrol(name, number);
    this.driver.add(this.addressOf(machine), { power });
    await this.verbs.verify(machine.id, asker);
    return this.until(machine.id, ({ state }) => state === 'inactive');
  }

  /** So many machines, m001 and on, verified side by side. */
  async inactiveMachines(count: number): Promise<Machine[]> {
    const numbers = Array.from({ length: count }, (_one, index) => index + 1);
    const name = (number: number) => `m${String(number).padStart(3, '0')}`;
    return Promise.all(numbers.map((number) => this.inactiveMachine(name(number), number)));
  }

  /** Plays the installer of a machine that was spawned, to the end. */
  async install({ id, machineId }: Instance): Promise<Machine> {
    await this.until(machineId!, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await this.say(id, 'install');
    await this.say(id, 'install_reboot');
    await this.until(machineId!, ({ stage, awaits }) => stage === 'booting_disk' && awaits !== null);
    await this.say(id, 'installed');
    return this.until(machineId!, ({ state }) => state === 'active' || state === 'used');
  }

  /** Plays the wipe of a machine that is being deleted, to the end. */
  async wipe({ id, machineId }: Instance): Promise<Machine> {
    await this.until(machineId!, ({ stage, awaits }) => stage === 'booting' && awaits !== null);
    await this.say(id, 'delete');
    await this.say(id, 'deleted');
    return this.until(machineId!, ({ state }) => state !== 'deleting');
  }

  /** What an installer, or the OS that was installed, tells of this instance. */
  say(instanceId: string, state: NotifyState, message?: string): Promise<void> {
    return this.callbacks.notify(instanceId, this.token(instanceId), { state, message });
  }

  /** The orders that BMCs were sent, without the looks. */
  get orders(): string[] {
    return this.driver.commands.map(({ verb }) => verb).filter((verb) => verb !== 'status');
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
      pxeMac: `52:54:00:00:${hex(number >> 8)}:${hex(number & 255)}`,
      bootMode: 'bios' as const,
      labels: {},
    };
    return this.machines.create(machine, 'test');
  }

  /** Like the small image, but for what is said. */
  addImage(name: string, more: Partial<Image>): Promise<Image> {
    return this.images.create({ ...smallImage, name, ...more });
  }

  /** A second conductor or pool keeper works on what this one works on. */
  poolKeeper(): PoolKeeper {
    return new PoolKeeper(this, this.spawning, { feed: this.feed, clock: this.clock, logger });
  }

  addressOf({ bmcHost, bmcPort, bmcUser }: Machine) {
    const password = new Secret('secret');
    return { host: bmcHost, port: bmcPort, user: bmcUser, password, cipherSuite: 3 as const };
  }

  spawn(machine?: Machine, cluster?: string, key?: string, more: Partial<SpawnRequest> = {}) {
    const wish = { hostName: 'web1', image: smallImage.name, instanceType: smallType.name };
    return this.spawning.spawn({ ...wish, machine: machine?.id, cluster, ...more }, asker, key);
  }

  /** Waits, by event, until the machine is as wanted. */
  async until(machineId: string, wanted: (machine: Machine) => boolean): Promise<Machine> {
    let machine: Machine | undefined;
    await this.untilTrue(async () => wanted((machine = await this.machines.get(machineId))));
    return machine!;
  }

  private async untilTrue(look: () => Promise<boolean>): Promise<void> {
    let unsubscribe = () => {};
    const changed = () =>
      new Promise<void>((resolve) => (unsubscribe = this.feed.subscribe(() => resolve())));
    for (;;) {
      const next = changed();
      if (await look()) return unsubscribe();
      await next;
      unsubscribe();
    }
  }

  /** Waits until there is such an event on the machine's timeline. */
  async untilEvent(machineId: string, wanted: (event: TimelineEvent) => boolean): Promise<void> {
    const told = async () => (await this.events.list({ machineId, limit: 1000 })).items.some(wanted);
    await this.untilTrue(told);
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

const hex = (byte: number) => byte.toString(16).padStart(2, '0');

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
  diskLayout: null,
  readBack: 'sampled' as const,
  wipeMode: 'quick' as const,
  kernelArguments: null,
  forbiddenMethods: [],
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
  kind: 'file_system' as const,
  format: 'raw',
  chunksSha256: 'b'.repeat(64),
  dataBytes: 1_000_000,
  fileSystem: 'ext4',
  defaultUser: null,
  sourceUrl: null,
  description: null,
  findings: [],
  install: null,
  lastUsedAt: null,
};
