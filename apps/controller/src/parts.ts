import { join } from 'node:path';
import type { Image } from '#core';
import {
  AddressPolicy,
  CacheKeeper,
  ImageCache,
  ImageDownloads,
  ImageLibrary,
  ImageTrees,
  RemoteDisks,
  Room,
  SumsSignatures,
  UnpackedImages,
} from '#images';
import {
  type Clock,
  type Config,
  DataDirectory,
  EmbeddedPostgres,
  ExecaProcessRunner,
  type Logger,
  type ProcessRunner,
  type Secret,
  SecretBox,
  StreamingProcesses,
  SystemClock,
  WakeQueue,
} from '#platform';
import { type ConsoleSource, IpmitoolDriver, PowerControl, type PowerDriver, SolConsole } from '#power';
import {
  AnswerChecks,
  AnswerFiles,
  Bmc,
  Callbacks,
  ConsoleCapture,
  allMethods,
  createConductor,
  DiskWrites,
  type InstallMethods,
  HandOver,
  Housekeeping,
  InstallerTexts,
  Netbooting,
  OperatorCalls,
  PoolKeeper,
  PowerSync,
  Rendering,
  Spawning,
  SshGreetings,
  Verbs,
  Webhook,
  Why,
} from '#provisioning';
import {
  ConfigDriveStore,
  ConfigurationDefaultsStore,
  ConsoleStore,
  Database,
  EventFeed,
  EventStore,
  GuestReportStore,
  ImageCacheStore,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  LookSchedule,
  MachineLocks,
  MachineStore,
  Pruner,
  Reservations,
  TokenStore,
  UserDataItemStore,
} from '#store';
import { TemplateRenderer } from '#templates';
import { type ConfigurationParts, configurationParts } from './configuration-parts.js';
import type { Closers } from './closers.js';
import { Shutdown } from './http/shutdown.js';
import { Readiness } from './observe/readiness.js';

/** What the program is made of, whichever roles it plays. */
export interface Parts extends ConfigurationParts {
  config: Config;
  log: Logger;
  clock: Clock;
  runner: ProcessRunner;
  shutdown: Shutdown;
  readiness: Readiness;
  box: SecretBox;
  database: Database;
  queue: WakeQueue;
  stores: Stores;
  feed: EventFeed;
  library: ImageLibrary;
  imageCache: ImageCache;
  trees: ImageTrees;
  /** Of use where images are taken in or handed out. */
  cacheKeeper: CacheKeeper;
  downloads: ImageDownloads;
  signatures: SumsSignatures;
  spawning: Spawning;
  rendering: Rendering;
  verbs: Verbs;
  callbacks: Callbacks;
  methods: InstallMethods;
  diskWrites: DiskWrites;
  netbooting: Netbooting;
  calls: OperatorCalls;
  handOver: HandOver;
  /** Its figures are asked for in every role; only a conductor starts it. */
  powerSync: PowerSync;
  why: Why;
  /** What the role `conductor` does, by name; each is started in this order and stopped in the other. */
  duties: Record<string, Duty>;
}

/** Something that goes on by itself while the controller runs. */
interface Duty {
  start(): void | Promise<void>;
  stop(): Promise<void>;
}

interface Stores {
  machines: MachineStore;
  instances: InstanceStore;
  images: ImageStore;
  types: InstanceTypeStore;
  events: EventStore;
  consoles: ConsoleStore;
  tokens: TokenStore;
  defaults: ConfigurationDefaultsStore;
  drives: ConfigDriveStore;
  userDataItems: UserDataItemStore;
  reports: GuestReportStore;
}

/** What the program that starts the controller may bring along, in place of what the controller makes for itself. */
export interface Brought {
  /** Speaks to the BMCs. */
  driver?: PowerDriver;
  /** Tells the time. */
  clock?: Clock;
  /** Listens to serial consoles; none are listened to when only a driver was brought. */
  console?: ConsoleSource;
}

/** Opens everything that is not a listener. Each thing that must be closed is added to the closers at once. */
export async function openParts(
  config: Config,
  log: Logger,
  closers: Closers,
  brought: Brought = {},
): Promise<Parts> {
  const clock = brought.clock ?? new SystemClock();
  const runner = new ExecaProcessRunner({ clock });
  const directory = await DataDirectory.acquire(config.dataDir);
  closers.add('data directory', () => directory.release());
  const box = new SecretBox(await secretKey(config, directory));
  const databaseUrl = config.databaseUrl ?? (await startPostgres(runner, config, closers));
  const database = await Database.open(databaseUrl, clock, box);
  closers.add('database', () => database.close());
  const stores = storesOn(database);
  const feed = new EventFeed(database, stores.events, log);
  await feed.start();
  closers.add('event feed', () => feed.stop());
  const queue = await WakeQueue.open({ databaseUrl, redisUrl: config.redisUrl }, clock, log);
  closers.add('queue', () => queue.close());
  const readiness = new Readiness(clock);
  readiness.add('database', () => database.ping());
  readiness.add('queue', () => queue.ping());
  const driver = brought.driver ?? ipmitool(runner, config);
  const writer = new LifecycleWriter(database);
  const bmc = new Bmc(new PowerControl(driver, clock), stores.machines, stores.events, writer);
  const renderer = new TemplateRenderer(config.templatesDir);
  const { deadlines, retries, sweepMs } = config;
  const host = { queue, feed, clock, logger: log };
  const locks = new MachineLocks(database, log);
  closers.add('machine locks', () => locks.stop());
  const source = brought.console ?? (brought.driver ? undefined : serialOverLan(runner, config, clock));
  const capturing = { ...host, sessions: config.consoleSessions };
  const downloads = new ImageDownloads(new AddressPolicy(config.images.urlAllow));
  const configuration = configurationParts(stores, { config, runner, box, renderer, downloads });
  const checks = new AnswerChecks(runner, configuration.userDataChecks);
  const answers = new AnswerFiles({ renderer, downloads, checks });
  const webhook = config.operatorWebhook && new Webhook(config.operatorWebhook);
  const calls = new OperatorCalls(stores.events, writer, { clock, logger: log, webhook });
  const seen = { calls, ssh: new SshGreetings() };
  const powerSync = new PowerSync(
    { schedule: new LookSchedule(database), bmc, writer },
    config.powerSync,
    host,
  );
  const imageTools = {
    processes: new StreamingProcesses(),
    runner,
    limits: config.images,
    room: new Room(config.imageCache.preallocation, runner, log),
  };
  const library = await ImageLibrary.open(join(config.dataDir, 'images'), imageTools);
  const shutdown = new Shutdown();
  const imageCache = new ImageCache(library, new ImageCacheStore(database), downloads, {
    ...host,
    policy: config.imageCache,
    signal: shutdown.signal,
    tell: (told) => stores.events.append(told),
  });
  const trees = new ImageTrees(imageCache, library, imageTools, { clock, signal: shutdown.signal });
  const unpackAhead = config.roles.has('boot') ? aheadOf(trees, log) : undefined;
  const methods = allMethods({ renderer, config, box, answers, unpackAhead });
  const { configuring } = configuration;
  const spawning = new Spawning(stores, new Reservations(database), queue, { configuring, methods });
  const callbacks = new Callbacks(stores, writer, queue, { box, clock, deadlines });
  const diskWrites = new DiskWrites(
    { ...stores, callbacks },
    new UnpackedImages(imageCache, library),
    new RemoteDisks(new StreamingProcesses(), clock, deadlines.installMs),
    { box, clock, logger: log, atATime: config.iscsiWrites },
  );
  closers.add('disk writes', () => diskWrites.stop());
  return {
    config,
    log,
    clock,
    runner,
    shutdown,
    readiness,
    box,
    database,
    queue,
    stores,
    feed,
    library,
    imageCache,
    trees,
    cacheKeeper: new CacheKeeper(imageCache, config.imageCache.intervalMs, host),
    signatures: new SumsSignatures(join(config.dataDir, 'images'), runner),
    downloads,
    ...configuration,
    spawning,
    rendering: new Rendering(
      configuration.documents,
      spawning,
      new InstallerTexts(stores, methods),
      config.metadata.namespace,
    ),
    verbs: new Verbs(stores, writer, bmc, { queue, clock, methods }),
    callbacks,
    diskWrites,
    methods,
    calls,
    netbooting: new Netbooting(stores, methods, { renderer, config, box }),
    handOver: new HandOver(stores, renderer, config, box),
    powerSync,
    why: new Why(stores, clock, { publicUrl: config.publicUrl, dhcp: config.dhcp.mode }),
    duties: {
      conductor: createConductor({
        ...stores,
        methods,
        ...seen,
        writer,
        bmc,
        deadlines,
        retries,
        sweepMs,
        host,
      }),
      ...(source && { 'console capture': new ConsoleCapture({ ...stores, locks }, bmc, source, capturing) }),
      'pool keeper': new PoolKeeper(stores, spawning, host),
      'power sync': powerSync,
      housekeeping: new Housekeeping(new Pruner(database), config.retention, host),
    },
  };
}

function aheadOf(trees: ImageTrees, log: Logger): (image: Image) => void {
  return (image) => {
    trees.prepare(image).catch((error: unknown) => {
      log.warn({ err: error, image: image.name }, 'the files of an image were not unpacked ahead');
    });
  };
}

function ipmitool(runner: ProcessRunner, { dataDir, bmcTimeoutMs }: Config): PowerDriver {
  return new IpmitoolDriver(runner, { homeDirectory: join(dataDir, 'ipmitool'), timeoutMs: bmcTimeoutMs });
}

function serialOverLan(runner: ProcessRunner, { dataDir }: Config, clock: Clock): ConsoleSource {
  return new SolConsole(new StreamingProcesses(), runner, {
    homeDirectory: join(dataDir, 'ipmitool'),
    clock,
  });
}

async function secretKey(config: Config, directory: DataDirectory): Promise<Buffer> {
  return config.secretKey ? Buffer.from(config.secretKey.reveal(), 'base64') : directory.secret('secret-key');
}

async function startPostgres(runner: ExecaProcessRunner, config: Config, closers: Closers): Promise<Secret> {
  const { server, url } = await EmbeddedPostgres.start(runner, config.dataDir);
  closers.add('embedded PostgreSQL', () => server.stop());
  return url;
}

function storesOn(database: Database): Stores {
  const events = new EventStore(database);
  return {
    machines: new MachineStore(database),
    instances: new InstanceStore(database),
    images: new ImageStore(database),
    types: new InstanceTypeStore(database),
    events,
    consoles: new ConsoleStore(events),
    tokens: new TokenStore(database),
    defaults: new ConfigurationDefaultsStore(database),
    drives: new ConfigDriveStore(database),
    userDataItems: new UserDataItemStore(database),
    reports: new GuestReportStore(database),
  };
}
