import type pg from 'pg';
import { Prisma } from './generated/client.js';

/**
 * What an event takes beside its own row, in bytes: its line pointer and alignment, and its entry in each of the four
 * indexes. Measured on a fresh table of a million events (a test holds it near the truth).
 */
export const rowOverheadBytes = 220;
/** Pages of the table that are looked at to learn how wide an event is. */
const sampledPages = 2000;
const pageBytes = 8192;

/**
 * The size of the events with their indexes, in bytes. Files do not shrink when rows are deleted (what is free in them is
 * used again), so that they only tell that there is no need to look closer; then live rows are counted, by an index,
 * and their average width is taken from a sample.
 */
export async function eventsBytes(connection: pg.ClientBase, enough: number): Promise<number> {
  const ask = async (sql: Prisma.Sql) => (await connection.query<Measure>(sql)).rows[0] as Measure;
  const { files, pages } = await ask(Prisma.sql`
    SELECT pg_total_relation_size('events')::float8 AS files, pg_relation_size('events') / ${pageBytes}::float8 AS pages`);
  if (files <= enough) return files;
  const width = async (percent: number) =>
    (
      await ask(
        Prisma.sql`SELECT avg(pg_column_size(events.*))::float8 AS width FROM events TABLESAMPLE SYSTEM (${percent}::float4)`,
      )
    ).width;
  const averageBytes = (await width(Math.min(100, (sampledPages / pages) * 100))) ?? (await width(100)) ?? 0;
  const { rows } = await ask(Prisma.sql`SELECT count(*)::float8 AS rows FROM events`);
  return rows * (averageBytes + rowOverheadBytes);
}

interface Measure {
  files: number;
  pages: number;
  rows: number;
  /** null: the sample held no row. */
  width: number | null;
}
