import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageView } from '#contract';
import { Redis } from 'ioredis';
import pg from 'pg';
import { DodaiClient } from '../../apps/cli/src/client.js';
import { ControllerProcess, importImage, SimulatedRack } from '../simulated-rack/index.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { startRedis, type TestRedis } from '../support/redis.js';
import { familyCpuSeconds, processCpuSeconds } from './lifecycle-figures.js';

export const backends = ['PostgreSQL', 'Redis'] as const;
export type Backend = (typeof backends)[number];

/** What has been spent and written since the site was raised. */
export interface Spent {
  controllerCpuS: number;
  postgresCpuS: number;
  redisCpuS: number;
  /** Of this process: the simulated machines. */
  rackCpuS: number;
  transactions: number;
  /** By table: rows inserted, updated and deleted. */
  rows: Record<string, { inserted: number; updated: number; deleted: number }>;
}

/** A controller in a process of its own, its database and its queue. */
export class Site {
  private constructor(
    readonly controller: ControllerProcess,
    readonly client: DodaiClient,
    readonly image: ImageView,
    readonly sql: pg.Client,
    private readonly stores: { postgres: TestPostgres; redis: TestRedis | undefined },
  ) {}

  static async raise(
    rack: SimulatedRack,
    backend: Backend,
    environment: Record<string, string> = {},
  ): Promise<Site> {
    const redis = backend === 'Redis' ? await startRedis() : undefined;
    const postgres = await startPostgres();
    const url = (await postgres.database()).reveal();
    const queue: Record<string, string> = redis ? { REDIS_URL: redis.url.reveal() } : {};
    const controller = await ControllerProcess.start(rack, {
      environment: { DATABASE_URL: url, ...queue, ...environment },
    });
    const client = await controller.client();
    const sql = new pg.Client({ connectionString: url });
    await sql.connect();
    const image = await importImage(client, 'simulated');
    return new Site(controller, client, image, sql, { postgres, redis });
  }

  get controllerPid(): number {
    const { pid } = this.controller;
    if (pid === undefined) throw new Error('the controller does not run');
    return pid;
  }

  async spent(): Promise<Spent> {
    const [counters] = await this.rows<{ xact_commit: string }>(
      'SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()',
    );
    return {
      controllerCpuS: processCpuSeconds(this.controllerPid),
      postgresCpuS: familyCpuSeconds(await this.postgresPid()),
      redisCpuS: await this.redisCpuS(),
      rackCpuS: processCpuSeconds('self'),
      transactions: Number(counters?.xact_commit),
      rows: await this.rowsByTable(),
    };
  }

  async stop(): Promise<void> {
    await this.controller.end();
    await this.sql.end();
    await this.stores.redis?.stop();
    await this.stores.postgres.stop();
  }

  private async rowsByTable(): Promise<Spent['rows']> {
    const tables = await this.rows<{ table: string; i: string; u: string; d: string }>(
      `SELECT CASE schemaname WHEN 'bullmq' THEN 'queue' ELSE relname END AS "table",
       sum(n_tup_ins) AS i, sum(n_tup_upd) AS u, sum(n_tup_del) AS d FROM pg_stat_user_tables GROUP BY 1`,
    );
    return Object.fromEntries(
      tables.map(({ table, i, u, d }) => [
        table,
        { inserted: Number(i), updated: Number(u), deleted: Number(d) },
      ]),
    );
  }

  private async postgresPid(): Promise<number> {
    const [setting] = await this.rows<{ data_directory: string }>('SHOW data_directory');
    return Number(readFileSync(join(setting?.data_directory ?? '', 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  private async redisCpuS(): Promise<number> {
    const { redis } = this.stores;
    if (!redis) return 0;
    const connection = new Redis(redis.url.reveal());
    const [, pid] = /^process_id:(\d+)/m.exec(await connection.info('server')) ?? [];
    connection.disconnect();
    return processCpuSeconds(Number(pid));
  }

  private async rows<Row extends pg.QueryResultRow>(query: string): Promise<Row[]> {
    return (await this.sql.query<Row>(query)).rows;
  }
}
