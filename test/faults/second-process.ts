import type { Machine } from '#core';
import { createLogger, type Secret, SecretBox, SystemClock, WakeQueue } from '#platform';
import { PowerControl } from '#power';
import { allMethods, Bmc, Verbs } from '#provisioning';
import {
  Database,
  EventFeed,
  EventStore,
  ImageStore,
  InstanceStore,
  InstanceTypeStore,
  LifecycleWriter,
  MachineStore,
} from '#store';
import { methodHost } from '../support/install-methods.js';
import { SimulatedPowerDriver, type SimulatedRack } from '../simulated-rack/index.js';

const logger = createLogger({ level: 'silent', pretty: false });

/** What a process with the role `api` is made of, on the stores of the controller that is put to the test. It is never killed. */
export class SecondProcess {
  readonly machines: MachineStore;
  readonly instances: InstanceStore;
  readonly verbs: Verbs;
  private readonly feed: EventFeed;

  private constructor(
    rack: SimulatedRack,
    readonly database: Database,
    private readonly queue: WakeQueue,
  ) {
    const clock = new SystemClock();
    const events = new EventStore(database);
    this.machines = new MachineStore(database);
    this.instances = new InstanceStore(database);
    this.feed = new EventFeed(database, events, logger);
    const writer = new LifecycleWriter(database);
    const power = new PowerControl(new SimulatedPowerDriver(rack), clock);
    const bmc = new Bmc(power, this.machines, events, writer);
    const { machines, instances } = this;
    const methods = allMethods(methodHost(database.box));
    const stores = {
      machines,
      instances,
      images: new ImageStore(database),
      types: new InstanceTypeStore(database),
    };
    this.verbs = new Verbs(stores, writer, bmc, { queue, clock, methods });
  }

  static async open(
    rack: SimulatedRack,
    stores: { databaseUrl: Secret; redisUrl: Secret | undefined },
    secretKey: Buffer,
  ): Promise<SecondProcess> {
    const clock = new SystemClock();
    const database = await Database.open(stores.databaseUrl, clock, new SecretBox(secretKey));
    const queue = await WakeQueue.open(stores, clock, logger);
    const opened = new SecondProcess(rack, database, queue);
    await opened.feed.start();
    return opened;
  }

  /** Waits, by event, until the machine is as wanted. Fails after this time with where it stands. */
  async until(name: string, isWanted: (machine: Machine) => boolean, patienceMs: number): Promise<Machine> {
    const patience = AbortSignal.timeout(patienceMs);
    for (let last: Machine | undefined; ;) {
      const news = this.news(patience);
      news.catch(() => undefined); // nobody waits for it when the machine is as wanted
      last = await this.machines.find(name).catch(() => last); // the database may just be away
      if (last && isWanted(last)) return last;
      await news.catch(() => {
        throw new Error(`${name} stands still: ${where(last)}`);
      });
    }
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.feed.stop();
    await this.database.close();
  }

  private news(patience: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => {
        unsubscribe();
        reject(new Error('too late'));
      };
      const unsubscribe = this.feed.subscribe(() => {
        unsubscribe();
        patience.removeEventListener('abort', late);
        resolve();
      });
      if (patience.aborted) late();
      else patience.addEventListener('abort', late);
    });
  }
}

function where(machine: Machine | undefined): string {
  if (!machine) return 'it could not be read';
  const { state, stage, awaits, awaitsUntil, attempt, retryAt, lastError } = machine;
  return JSON.stringify({ state, stage, awaits, awaitsUntil, attempt, retryAt, lastError });
}
