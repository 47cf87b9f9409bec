import { isWorking, machineLifecycle, machineStates } from '#core';
import type pg from 'pg';
import { Prisma } from './generated/client.js';

/** Events of this machine from `first` to `last`; `last` null: to the end. */
interface Work {
  machine_id: string;
  first: string;
  last: string | null;
}

const working = machineStates.filter(isWorking) as string[];
const failed = machineStates.filter((state) => machineLifecycle[state].kind === 'failed') as string[];

/** The last change of the machine's state, of these; read backwards along the machine's own events. */
const lastChange = (ofThese: Prisma.Sql) => Prisma.sql`
  SELECT id FROM events WHERE (machine_id, id) > (machines.id, 0) AND (machine_id, id) < (machines.id, ${2n ** 63n - 1n})
  AND kind = 'state.changed' ${ofThese} ORDER BY machine_id DESC, id DESC LIMIT 1`;

/**
 * What says why a machine stands where it does: the events of its work under way, from the change that began it, and
 * those of the work it failed in, up to its failure. What a failed machine does after that is not evidence: one that
 * boots in a circle would fill the timeline for ever.
 */
export class Evidence {
  private constructor(private readonly works: ReadonlyMap<string, Work>) {}

  static async read(connection: pg.ClientBase): Promise<Evidence> {
    const { rows } = await connection.query<Work>(Prisma.sql`
      SELECT machines.id AS machine_id, coalesce(begun.id, 0) AS first,
        CASE WHEN state::text = ANY(${working}) THEN NULL ELSE ended.id END AS last
      FROM machines
      LEFT JOIN LATERAL (${lastChange(Prisma.sql`AND data->>'to' = ANY(${working})`)}) AS begun ON true
      LEFT JOIN LATERAL (${lastChange(Prisma.empty)}) AS ended ON true
      WHERE state::text = ANY(${[...working, ...failed]})`);
    return new Evidence(new Map(rows.map((work) => [work.machine_id, work])));
  }

  holds({ id, machine_id }: { id: string; machine_id: string | null }): boolean {
    const work = machine_id === null ? undefined : this.works.get(machine_id);
    if (!work || BigInt(id) < BigInt(work.first)) return false;
    return work.last === null || BigInt(id) <= BigInt(work.last);
  }
}
