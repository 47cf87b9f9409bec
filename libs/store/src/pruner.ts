import { logKinds } from '#core';
import type { Retention } from '#platform';
import pg from 'pg';
import type { Database } from './database.js';
import { eventsAlong } from './event-reads.js';
import { Evidence } from './evidence.js';
import { Prisma } from './generated/client.js';
import { eventsBytes, rowOverheadBytes } from './events-size.js';

/** How many were removed, and by how much what must stay is still too large. */
export interface Pruned {
  logs: number;
  facts: number;
  idempotencyKeys: number;
  excessBytes: number;
}

/** Events that are removed in one transaction: few, so that no lock is held for long. */
const batch = 1000;
/** Any number that nothing else in this database locks; held by the one who prunes. */
const lockKey = 7072;
const idempotencyKeysMs = 7 * 24 * 3600_000;

interface Row {
  id: string;
  at: Date;
  machine_id: string | null;
  bytes: number;
}

/** What of the events may go: nothing newer than this id, and nothing of this evidence. */
interface Bounds {
  latestId: bigint;
  evidence: Evidence;
}

interface Sweep {
  /** None: whatever the kind. */
  kinds?: readonly string[];
  /** Ends at the first page that is wholly younger. */
  olderThan?: Date;
  /** Ends when so much is removed. */
  bytes?: number;
}

/**
 * Removes what is kept no longer: old events, then the oldest of too many, logs before facts; and old idempotency
 * keys. What is evidence stays whatever its age: the events of a work that is under way, and of the work that a
 * machine failed in. It has a connection of its own, and on it the lock that lets only one prune at a time.
 */
export class Pruner {
  constructor(private readonly database: Database) {}

  /** null: another process is pruning. Ends early, between two transactions, when the signal is aborted. */
  async prune(keep: Retention, signal?: AbortSignal): Promise<Pruned | null> {
    const connection = new pg.Client({ connectionString: this.database.url.reveal() });
    connection.on('error', () => undefined); // the query that it breaks tells of it
    await connection.connect();
    try {
      const { rows } = await connection.query<{ ok: boolean }>(
        Prisma.sql`SELECT pg_try_advisory_lock(${lockKey}) AS ok`,
      );
      if (!rows[0]?.ok) return null;
      const pruned = await new Pruning(connection, this.database.clock.now(), signal).run(keep);
      await connection.query(Prisma.sql`SELECT pg_advisory_unlock(${lockKey})`); // the server ends a session later than we do
      return pruned;
    } finally {
      await connection.end();
    }
  }
}

/** One round. */
class Pruning {
  constructor(
    private readonly connection: pg.Client,
    private readonly now: Date,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run({ eventsMs, logsMs, maxBytes }: Retention): Promise<Pruned> {
    const bounds = await this.bounds();
    const oldLogs = await this.sweep({ kinds: logKinds, olderThan: this.before(logsMs) }, bounds);
    const oldFacts = await this.sweep({ olderThan: this.before(eventsMs) }, bounds);
    let bytes = (await eventsBytes(this.connection, maxBytes)) - maxBytes;
    const logs = await this.sweep({ kinds: logKinds, bytes }, bounds);
    bytes -= logs.bytes;
    const facts = await this.sweep({ bytes }, bounds);
    bytes -= facts.bytes;
    return {
      logs: oldLogs.count + logs.count,
      facts: oldFacts.count + facts.count,
      idempotencyKeys: await this.forgetKeys(),
      excessBytes: Math.max(0, bytes),
    };
  }

  /** The id is read first: a work that begins after that has only events that are newer. */
  private async bounds(): Promise<Bounds> {
    const [latest] = await this.rows<{ id: string }>(
      Prisma.sql`SELECT coalesce(max(id), 0) AS id FROM events`,
    );
    return { latestId: BigInt(latest?.id ?? 0), evidence: await Evidence.read(this.connection) };
  }

  /** Oldest first. What is passed over because it stays is not read again. */
  private async sweep(what: Sweep, bounds: Bounds): Promise<{ count: number; bytes: number }> {
    const gone = { count: 0, bytes: 0 };
    let after = 0n;
    while (!this.signal?.aborted && (what.bytes === undefined || gone.bytes < what.bytes)) {
      const page = await this.page(what.kinds, { after, before: bounds.latestId + 1n });
      const { count, bytes } = await this.remove(chosen(page, what, bounds, gone.bytes));
      gone.count += count;
      gone.bytes += bytes;
      if (page.length < batch || isYoung(page, what)) break;
      after = BigInt(page.at(-1)?.id ?? 0);
    }
    return gone;
  }

  private page(
    kinds: readonly string[] | undefined,
    range: { after: bigint; before: bigint },
  ): Promise<Row[]> {
    const track = kinds && ({ column: 'kind', values: kinds } as const);
    return this.rows<Row>(eventsAlong(track, rowColumns, { ...range, order: 'asc', limit: batch }));
  }

  private async remove(rows: Row[]): Promise<{ count: number; bytes: number }> {
    if (rows.length === 0) return { count: 0, bytes: 0 };
    const ids = rows.map(({ id }) => id);
    await this.connection.query(Prisma.sql`DELETE FROM events WHERE id = ANY(${ids}::bigint[])`);
    return {
      count: rows.length,
      bytes: rows.reduce((sum, { bytes }) => sum + bytes + rowOverheadBytes, 0),
    };
  }

  private async forgetKeys(): Promise<number> {
    const { rowCount } = await this.connection.query(
      Prisma.sql`DELETE FROM idempotency_keys WHERE created_at < ${this.before(idempotencyKeysMs)}`,
    );
    return rowCount ?? 0;
  }

  private async rows<Found extends pg.QueryResultRow>(sql: Prisma.Sql): Promise<Found[]> {
    return (await this.connection.query<Found>(sql)).rows;
  }

  private before(ageMs: number): Date {
    return new Date(this.now.getTime() - ageMs);
  }
}

const rowColumns = Prisma.sql`id, at, machine_id, pg_column_size(events.*) AS bytes`;

/** Those of a page that go. */
function chosen(page: Row[], { olderThan, bytes }: Sweep, { evidence }: Bounds, goneBytes: number): Row[] {
  let room = bytes === undefined ? Number.POSITIVE_INFINITY : bytes - goneBytes;
  return page.filter((row) => {
    if (room <= 0 || (olderThan && row.at >= olderThan) || evidence.holds(row)) return false;
    room -= row.bytes + rowOverheadBytes;
    return true;
  });
}

function isYoung(page: Row[], { olderThan }: Sweep): boolean {
  return olderThan !== undefined && page.every(({ at }) => at >= olderThan);
}
