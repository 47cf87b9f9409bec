import { createPostgresBackend, createRedisBackend, type Job, type JobsOptions, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { Clock, ClockTimer } from './clock.js';
import type { Logger } from './logger.js';
import type { Secret } from './secret.js';

const queueName = 'machines';
const schema = 'bullmq';

/**
 * What becomes of the jobs of a conductor that was killed: their locks run out, and whoever looks next takes them up. A lock is
 * renewed each second, so an event loop that is held up has more than six of them before a machine might be looked at twice; that
 * does no harm either, because steps look before they act and rows change only from where they were seen. A job may be left
 * behind by any number of killed conductors: what makes it fail for good is never that.
 */
const takeOver = {
  lockDuration: 8000,
  lockRenewTime: 2000,
  stalledInterval: 2000,
  maxStalledCount: 2 ** 31 - 1,
  /** Before jobs are asked for again when the store could not be reached. */
  runRetryDelay: 1000,
};
const rearmMs = 1000;

/** A look that failed, because a store was away for instance, is taken again by itself. */
const lookAgain = { attempts: 2 ** 31 - 1, backoff: { type: 'fixed', delay: 1000 } };

/** The most that a timer of Node can wait for; who is woken too early is put to sleep again. */
const longestAlarmMs = 2 ** 31 - 1;

type Wake = { machineId: string };
const jobName = 'wake';

/** What is used of BullMQ's classes, whose full types differ by backend. */
interface MachineQueue {
  add(name: string, data: Wake, options: JobsOptions): Promise<unknown>;
  getJobCounts(type: 'wait'): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
interface MachineWorker {
  isRunning(): boolean;
  run(): Promise<void>;
  startStalledCheckTimer(): Promise<void>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: Job<Wake> | undefined, error: Error) => void): unknown;
}

/** Where the jobs are kept: in Redis when it is given, else in the database that there is anyway. */
export interface QueueBackend {
  databaseUrl: Secret;
  redisUrl: Secret | undefined;
}

interface Backend {
  queue(): MachineQueue;
  worker(handle: (job: Job<Wake>) => Promise<void>, concurrency: number): MachineWorker;
  close(): Promise<void>;
}

function redisBackend(url: Secret): Backend {
  const connection = new Redis(url.reveal(), { maxRetriesPerRequest: null });
  const { Queue, Worker } = withBackend(createRedisBackend);
  return {
    queue: () => new Queue<Wake>(queueName, { connection }),
    worker: (handle, concurrency) =>
      new Worker<Wake>(queueName, handle, { connection, concurrency, ...takeOver }),
    close: async () => void (await connection.quit()),
  };
}

function postgresBackend(url: Secret): Backend {
  const connection = { connectionString: url.reveal(), schema, migrate: true };
  const { Queue, Worker } = withBackend(createPostgresBackend);
  return {
    queue: () => new Queue<Wake>(queueName, { connection }),
    worker: (handle, concurrency) =>
      new Worker<Wake>(queueName, handle, { connection, concurrency, ...takeOver }),
    close: async () => undefined,
  };
}

/**
 * Tells conductors which machine to look at. A job carries an id and nothing else: what is to be done is read from the
 * database. At most one conductor handles a machine at a time; a wake that comes meanwhile is kept for when it is done.
 */
export class WakeQueue {
  private worker: MachineWorker | undefined;
  private readonly alarms = new Map<string, ClockTimer>();
  private rearming = false;

  private constructor(
    private readonly backend: Backend,
    private readonly queue: MachineQueue,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  static async open(
    { databaseUrl, redisUrl }: QueueBackend,
    clock: Clock,
    logger: Logger,
  ): Promise<WakeQueue> {
    const backend = redisUrl ? redisBackend(redisUrl) : postgresBackend(databaseUrl);
    const queue = backend.queue();
    queue.on('error', (error) => logger.warn({ error: error.message }, 'the queue has an error'));
    await queue.waitUntilReady();
    return new WakeQueue(backend, queue, clock, logger);
  }

  async wake(machineId: string): Promise<void> {
    const deduplication = { id: machineId, keepLastIfActive: true };
    const options = { removeOnComplete: true, removeOnFail: true, ...lookAgain, deduplication };
    await this.queue.add(jobName, { machineId }, options);
  }

  /**
   * Wakes the machine at this time, instead of at the one it was to be woken at before. It is a matter of this process and ends
   * with it: most alarms are for what does not happen, and are not worth a job each.
   */
  wakeAt(machineId: string, at: Date): void {
    this.alarms.get(machineId)?.cancel();
    const ring = () => {
      this.alarms.delete(machineId);
      this.wake(machineId).catch((error: unknown) =>
        this.logger.warn({ machineId, error: String(error) }, 'a machine could not be woken'),
      );
    };
    const delayMs = Math.min(Math.max(0, at.getTime() - this.clock.now().getTime()), longestAlarmMs);
    this.alarms.set(machineId, this.clock.setTimeout(ring, delayMs));
  }

  /** Calls `handle` for each machine that is to be looked at. When it throws, that is logged and it is called again in a second. */
  async work(handle: (machineId: string) => Promise<void>, concurrency: number): Promise<void> {
    const handleInTurn = inTurn(handle);
    this.worker = this.backend.worker(({ data }) => handleInTurn(data.machineId), concurrency);
    this.worker.on('error', (error) => {
      this.logger.warn({ error: error.message }, 'the worker has an error');
      this.rearm();
    });
    this.worker.on('failed', (job, error) =>
      this.logger.error(
        { machineId: job?.data.machineId, error: error.stack },
        'looking at a machine failed',
      ),
    );
    await this.worker.waitUntilReady();
  }

  /** Throws when the queue's store does not answer. */
  async ping(): Promise<void> {
    await this.queue.getJobCounts('wait');
  }

  /** Takes no more jobs and waits for those in hand. */
  async stopWork(): Promise<void> {
    await this.worker?.close();
    for (const alarm of this.alarms.values()) alarm.cancel();
    this.alarms.clear();
    this.worker = undefined;
  }

  async close(): Promise<void> {
    await this.stopWork();
    await this.queue.close();
    await this.backend.close();
  }

  /**
   * BullMQ takes no more jobs, and looks no more for those that were left behind, when its store fails for another reason than
   * a lost connection, a full disk for instance. Then it is begun again.
   */
  private rearm(): void {
    if (this.rearming || !this.worker) return;
    this.rearming = true;
    this.clock.setTimeout(() => {
      this.rearming = false;
      const { worker } = this;
      const again = worker?.isRunning() ? worker.startStalledCheckTimer() : worker?.run();
      again?.catch((error: unknown) => {
        this.logger.warn({ error: String(error) }, 'the worker could not go on');
        this.rearm();
      });
    }, rearmMs);
  }
}

/** A job whose lock ran out while it was in hand here is taken up again here too: one after another, all the same. */
function inTurn(handle: (machineId: string) => Promise<void>): (machineId: string) => Promise<void> {
  const inHand = new Map<string, Promise<void>>();
  return async (machineId) => {
    const before = inHand.get(machineId)?.catch(() => undefined);
    const mine = before ? before.then(() => handle(machineId)) : handle(machineId);
    inHand.set(machineId, mine);
    try {
      await mine;
    } finally {
      if (inHand.get(machineId) === mine) inHand.delete(machineId);
    }
  };
}
