import { isWorking, type Machine, machineStates } from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { toMachine } from './rows.js';

/** BMCs whose last look was answered, and those whose last look failed. */
export type Lane = 'answering' | 'failing';

export interface Claim {
  limit: number;
  /** Until the next look at the same machine, give or take half. */
  intervalMs: number;
  /** Ids of machines that a look is under way at. */
  except: string[];
}

/** The most that the interval grows to, in intervals, while a BMC fails. */
const longest = 8;

/** Machines that have been verified once and that no work is under way on. */
const restful = machineStates.filter((state) => !isWorking(state) && state !== 'enrolled');

/** When the power of which machine is looked at, for all conductors together: each look is claimed by one of them. */
export class LookSchedule {
  constructor(private readonly database: Database) {}

  /**
   * Machines that are due, the longest overdue first, each due again after the interval: a conductor that dies with them
   * costs one look. A BMC that fails is asked again after as long as it has been failing, which doubles from look to look.
   */
  async claim(lane: Lane, { limit, intervalMs, except }: Claim): Promise<Machine[]> {
    const { client, clock } = this.database;
    const now = clock.now();
    const fault = Prisma.raw(lane === 'failing' ? 'NOT NULL' : 'NULL');
    const claimed = await client.$queryRaw<{ id: string }[]>`
      WITH due AS MATERIALIZED (
        SELECT id, ${intervalOf(now, intervalMs)} AS seconds FROM machines
        WHERE state::text = ANY(${restful}) AND power_order IS NULL AND bmc_fault IS ${fault}
        AND (power_due_at IS NULL OR power_due_at <= ${now}) AND id <> ALL(${except}::uuid[])
        ORDER BY power_due_at NULLS FIRST LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      UPDATE machines SET power_due_at = ${now}::timestamptz + make_interval(secs => due.seconds * (0.5 + random()))
      FROM due WHERE machines.id = due.id RETURNING machines.id`;
    const rows = await client.machine.findMany({ where: { id: { in: claimed.map(({ id }) => id) } } });
    return rows.map(toMachine).filter(({ state, powerOrder }) => !isWorking(state) && powerOrder === null);
  }

  /** How far the record is behind: the oldest power state of a machine whose BMC answers, and how many BMCs do not. */
  async lag(): Promise<{ oldestSeconds: number; failing: number }> {
    const { client, clock } = this.database;
    const [lag] = await client.$queryRaw<{ oldestSeconds: number | null; failing: number }[]>`
      SELECT extract(epoch FROM ${clock.now()}::timestamptz -
          min(coalesce(power_at, state_since)) FILTER (WHERE bmc_fault IS NULL))::float8 AS "oldestSeconds",
        (count(*) FILTER (WHERE bmc_fault IS NOT NULL))::int AS failing
      FROM machines WHERE state::text = ANY(${restful})`;
    return { oldestSeconds: Math.max(0, lag?.oldestSeconds ?? 0), failing: lag?.failing ?? 0 };
  }
}

function intervalOf(now: Date, intervalMs: number): Prisma.Sql {
  const seconds = intervalMs / 1000;
  const failingFor = Prisma.sql`extract(epoch FROM ${now}::timestamptz - (bmc_fault->>'at')::timestamptz)`;
  return Prisma.sql`least(greatest(coalesce(${failingFor}, 0), ${seconds}::float8), ${seconds * longest}::float8)`;
}
