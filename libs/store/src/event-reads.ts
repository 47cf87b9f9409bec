import { isOfKind } from '#core';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';

/** What a walk along the events visits: ids between the two, both exclusive. */
export interface EventRange {
  after?: bigint;
  before?: bigint;
  order: 'asc' | 'desc';
  limit: number;
}

/** Which index is walked along, and at which of its values. */
export type Track =
  { column: 'machine_id' | 'instance_id'; values: [string] } | { column: 'kind'; values: readonly string[] };

const lastId = 2n ** 63n - 1n;
/** Writers' clocks may differ by half of this, and events be found by time all the same. */
const clockSkewMs = 5 * 60_000;

/**
 * Reads events in the order of their ids, all of them or along a track. The rows compared as (value, id) and ordered
 * alike leave only that index to read by: with `value = …` the planner would at times walk the primary key instead,
 * past everybody else's events, trusting that one in so many is meant. Several values are each read up to the limit
 * and merged, so that at most `values × limit` rows are read, however large the table.
 */
export function eventsAlong(
  track: Track | undefined,
  columns: Prisma.Sql,
  { after = 0n, before = lastId, order, limit }: EventRange,
  alsoWhere = Prisma.empty,
): Prisma.Sql {
  const direction = order === 'asc' ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  if (!track)
    return Prisma.sql`SELECT ${columns} FROM events WHERE id > ${after} AND id < ${before} ${alsoWhere}
      ORDER BY id ${direction} LIMIT ${limit}`;
  const column = Prisma.raw(track.column);
  const type = Prisma.raw(track.column === 'kind' ? 'text' : 'uuid');
  return Prisma.sql`
    SELECT found.* FROM unnest(${[...track.values]}::${type}[]) AS wanted (value) CROSS JOIN LATERAL (
      SELECT ${columns} FROM events
      WHERE (${column}, id) > (wanted.value, ${after}) AND (${column}, id) < (wanted.value, ${before}) ${alsoWhere}
      ORDER BY ${column} ${direction}, id ${direction} LIMIT ${limit}
    ) AS found ORDER BY found.id ${direction} LIMIT ${limit}`;
}

/** Those kinds among the wanted that there are events of; see `isOfKind`. One look at the index for each kind there is. */
export async function kindsThere(database: Database, wanted: readonly string[]): Promise<string[]> {
  if (wanted.every((one) => !one.endsWith('.'))) return [...new Set(wanted)];
  const rows = await database.client.$queryRaw<{ kind: string }[]>`
    WITH RECURSIVE there (kind) AS (
      SELECT min(kind) FROM events
      UNION ALL
      SELECT (SELECT kind FROM events WHERE kind > there.kind ORDER BY kind LIMIT 1) FROM there WHERE there.kind IS NOT NULL
    ) SELECT kind FROM there WHERE kind IS NOT NULL`;
  return rows.map(({ kind }) => kind).filter((kind) => isOfKind(kind, wanted));
}

/**
 * An id that every event since then lies behind. There is no index on the time: ids grow with it, but for the
 * difference of the writers' clocks, so that the place is found by halving, in some twenty looks at the primary key.
 */
export async function idBefore(database: Database, since: Date): Promise<bigint> {
  const surely = new Date(since.getTime() - clockSkewMs);
  const [found] = await database.client.$queryRaw<{ low: bigint | null }[]>`
    WITH RECURSIVE search (low, high) AS (
      SELECT min(id), max(id) + 1 FROM events
      UNION ALL
      SELECT CASE WHEN probe.at < ${surely} THEN probe.id + 1 ELSE low END,
             CASE WHEN probe.at < ${surely} THEN high ELSE (low + high) / 2 END
      FROM search CROSS JOIN LATERAL (
        SELECT id, at FROM events WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1
      ) AS probe WHERE low < high
    ) SELECT max(low) AS low FROM search`;
  return (found?.low ?? 1n) - 1n;
}
