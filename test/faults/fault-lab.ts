import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, type Machine } from '#core';
import { Secret } from '#platform';
import { databaseUnavailable } from '#store';
import type { DodaiClient } from '../../apps/cli/src/client.js';
import {
  ControllerProcess,
  enrol,
  importFor,
  importImage,
  type MachineBody,
  type Moment,
  Operator,
  type SimulatedMethod,
  SimulatedRack,
  type Slot,
} from '../simulated-rack/index.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type TestRedis } from '../support/redis.js';
import { Points } from './points.js';
import { PostgresProxy } from './postgres-proxy.js';
import { SecondProcess } from './second-process.js';

export interface LabOptions {
  machines: number;
  environment?: Record<string, string>;
  /** Keep the queue in Redis. */
  redis?: boolean;
  /** It has an image that is installed by each of these, besides the one for `copy`. */
  methods?: readonly SimulatedMethod[];
  /** Where PostgreSQL keeps its data; none: in a folder of its own. */
  postgresDirectory?: string;
}

/** Short enough for a campaign, long enough for a busy host. */
const settings = {
  DODAI_DEADLINE_POWER_S: '3',
  DODAI_DEADLINE_BOOTING_S: '8',
  DODAI_DEADLINE_INSTALL_S: '8',
  DODAI_DEADLINE_SOFT_OFF_S: '1',
  DODAI_DEADLINE_BOOTING_DISK_S: '8',
  DODAI_DEADLINE_HAND_OVER_S: '8',
  DODAI_DEADLINE_DELETE_S: '8',
  DODAI_RETRIES: '1',
  DODAI_RETRY_BACKOFF_S: '0.5',
  DODAI_SWEEP_S: '5',
  DODAI_LOG_LEVEL: 'silent',
};

/** So that nothing is tried again for its deadline: what then comes to its end was taken up where it stood. */
export const patient = {
  DODAI_DEADLINE_BOOTING_S: '120',
  DODAI_DEADLINE_INSTALL_S: '120',
  DODAI_DEADLINE_BOOTING_DISK_S: '120',
  DODAI_DEADLINE_DELETE_S: '120',
};

interface Surroundings {
  rack: SimulatedRack;
  postgres: TestPostgres;
  redis: TestRedis | undefined;
  doors: { controller: PostgresProxy; lab: PostgresProxy };
}

/**
 * A controller in a process of its own between a simulated rack and a PostgreSQL that is reached through a door: every way in and
 * out of it passes here, and at each it can be killed. When it is, it is started again.
 */
export class FaultLab {
  readonly points = new Points(() => this.kill());
  private readonly operator: Operator;
  /** How often the controller was killed. */
  kills = 0;
  private dying: number | undefined;
  /** How often PostgreSQL went away, and the last time that it did, until it is back. */
  private outages = 0;
  private outage: Promise<void> = Promise.resolve();
  private rising: Promise<void> = Promise.resolve();
  private readonly names = new Map<string, string>();
  private readonly acts = new Map<string, () => Promise<void>>();

  private constructor(
    readonly around: Surroundings,
    readonly controller: ControllerProcess,
    readonly client: DodaiClient,
    readonly second: SecondProcess,
  ) {
    this.operator = new Operator(client, around.rack);
  }

  static async start(options: LabOptions): Promise<FaultLab> {
    const { environment, postgresDirectory } = options;
    const postgres = await startPostgres(postgresDirectory);
    const redis = options.redis ? await startRedis() : undefined;
    const url = (await postgres.database()).reveal();
    const doors = { controller: new PostgresProxy(), lab: new PostgresProxy() };
    const through = async (door: PostgresProxy) => {
      door.upstreamPort = postgres.port();
      return url.replace(/:\d+\//, `:${await door.start()}/`);
    };
    const rack = new SimulatedRack({ bmcTimeoutMs: 100, behaviour: { retryMs: 500 } });
    rack.add(options.machines);
    const controller = await ControllerProcess.start(rack, {
      environment: {
        ...settings,
        DATABASE_URL: await through(doors.controller),
        ...(redis && { REDIS_URL: redis.url.reveal() }),
        ...environment,
      },
    });
    const stores = { databaseUrl: new Secret(await through(doors.lab)), redisUrl: redis?.url };
    const key = await readFile(join(controller.dataDir, 'secret-key'));
    const second = await SecondProcess.open(rack, stores, key);
    const lab = new FaultLab({ rack, postgres, redis, doors }, controller, await controller.client(), second);
    await lab.fill(options.methods ?? []);
    return lab;
  }

  get slots(): readonly Slot[] {
    return this.around.rack.slots;
  }

  async end(): Promise<void> {
    const { rack, postgres, redis, doors } = this.around;
    rack.stop();
    await this.up().catch(() => undefined);
    await this.operator.leave();
    await this.controller.end();
    await this.second.close();
    await Promise.all(Object.values(doors).map((door) => door.stop()));
    await Promise.all([postgres.stop(), redis?.stop()]);
  }

  /** Asks the controller, or the database; again when that was killed meanwhile and is back. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.outage;
      const { outages } = this;
      try {
        return await question();
      } catch (error) {
        const { code } = error instanceof DomainError ? error : (databaseUnavailable(error) ?? {});
        if (code === 'controller-unreachable') await this.up();
        else if (code !== 'database-unavailable' || outages === this.outages) throw error;
      }
    }
  }

  /** `kill -9`, now; it is started again at once. While it is dying or not there yet, nothing happens. */
  kill(): void {
    const { pid } = this.controller;
    if (pid === undefined || pid === this.dying) return;
    this.kills += 1;
    this.dying = pid;
    process.kill(pid, 'SIGKILL');
    this.rising = this.controller.kill().then(() => this.controller.startAgain());
    this.rising.catch(() => undefined); // whoever waits for it hears of it
  }

  /** The controller is there again, however often it was killed meanwhile. Throws when it did not start. */
  async up(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.rising;) {
      last = this.rising;
      await last.catch((error: unknown) => {
        if (last === this.rising) throw error;
      });
    }
  }

  /** After a start that failed. */
  startAgain(): Promise<void> {
    this.rising = this.controller.startAgain();
    return this.rising;
  }

  /** Does this once when the machine comes to that moment, and lets it go on afterwards. */
  atMoment({ name }: MachineBody, moment: Moment, act: () => Promise<void>): void {
    this.acts.set(`${name} ${moment}`, act);
  }

  /** Stops PostgreSQL, does this, and starts it again. */
  withoutPostgres(mode: 'fast' | 'immediate', meanwhile = () => Promise.resolve()): Promise<void> {
    const { postgres, doors } = this.around;
    const pass = async () => {
      await postgres.halt(mode);
      await meanwhile();
      await postgres.startAgain();
      for (const door of Object.values(doors)) door.upstreamPort = postgres.port();
    };
    this.outages += 1;
    this.outage = pass();
    return this.outage;
  }

  find({ machine: { name } }: Slot): Promise<Machine> {
    return this.ask(() => this.second.machines.find(name));
  }

  until({ machine }: Slot, isWanted: (machine: Machine) => boolean, patienceMs = 90_000): Promise<Machine> {
    return this.second.until(machine.name, isWanted, patienceMs).catch((error: Error) => {
      throw new Error(`${error.message}; it did ${machine.journal.slice(-20).join(', ')}`);
    });
  }

  private async fill(methods: readonly SimulatedMethod[]): Promise<void> {
    const { rack, doors } = this.around;
    await importImage(this.client, 'simulated');
    for (const method of methods) await importFor(this.client, method);
    for (const { id, name } of await enrol(this.client, rack.slots)) this.names.set(id, name);
    await Promise.all(rack.slots.map((slot) => this.until(slot, ({ state }) => state === 'inactive')));
    const { points } = this;
    rack.world.hooks = {
      onPowerCommand: ({ machine, verb, when }) =>
        points.pass(machine.name, `power ${verb}`, when) && when === 'before' ? 'drop' : undefined,
      onWord: ({ machine, state, when }) => {
        points.pass(machine.name, `word ${state}`, when);
      },
      onMoment: async ({ name }, moment) => {
        points.pass(name, `moment ${moment}`, 'before');
        const act = this.acts.get(`${name} ${moment}`);
        this.acts.delete(`${name} ${moment}`);
        await act?.();
      },
    };
    doors.controller.onCommit = (rows) => {
      const passes = (when: 'before' | 'after') =>
        rows.filter(({ machineId, label }) => {
          const name = this.names.get(machineId);
          return name !== undefined && points.pass(name, `rows ${label}`, when);
        }).length > 0;
      if (passes('before')) return 'hold';
      return passes('after') ? 'send' : 'pass';
    };
  }
}
