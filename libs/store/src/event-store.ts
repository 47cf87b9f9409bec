import type { TimelineEvent } from '#core';
import type { Database } from './database.js';
import { type EventRange, eventsAlong, idBefore, kindsThere, type Track } from './event-reads.js';
import { type Event, Prisma } from './generated/client.js';
import { GroupedQueries } from './grouped-queries.js';
import { type Page, pageOf } from './page.js';
import { toEvent } from './rows.js';
import { isNobodys } from './unavailable.js';

export interface NewEvent {
  kind: string;
  machineId?: string | null;
  instanceId?: string | null;
  message: string;
  data?: Record<string, unknown>;
}

export interface EventFilter {
  machineId?: string;
  instanceId?: string;
  /** Kinds; one that ends with a dot stands for all below it, as `bmc.` does for `bmc.command`. */
  kinds?: readonly string[];
  /** Only what happened at this time or later. */
  since?: Date;
  /** Only what came after this event's id. */
  after?: string;
  /** Only what came before this event's id. */
  before?: string;
  /** `asc`, the oldest first, unless said otherwise. */
  order?: 'asc' | 'desc';
  limit: number;
}

const columns = Prisma.sql`id, at, kind, machine_id AS "machineId", instance_id AS "instanceId", message, data`;

/** The timeline: appended to, never changed; what is too old is removed by the Pruner. */
export class EventStore {
  /** A transaction that appends waits for the one before it, down to the disk: the order of ids is the order of commits. */
  private readonly appends: GroupedQueries<ReturnType<typeof eventRow>, undefined>;

  constructor(private readonly database: Database) {
    const write = async (data: readonly ReturnType<typeof eventRow>[]) => {
      await database.client.event.createMany({ data: [...data] });
      return data.map(() => undefined);
    };
    this.appends = new GroupedQueries(write, { isForAll: isNobodys });
  }

  async append(event: NewEvent): Promise<void> {
    await this.appends.add(eventRow(event, this.database.clock.now()));
  }

  /** A page, read along an index whatever is asked for. `next` is the id to go on after, or before when newest first. */
  async list(filter: EventFilter): Promise<Page<TimelineEvent>> {
    const kinds = filter.kinds && (await kindsThere(this.database, filter.kinds));
    const range = await this.rangeOf(filter);
    const track = trackOf(filter, kinds);
    const sql = eventsAlong(track, columns, range, besides(track, filter, kinds));
    const rows = await this.database.client.$queryRaw<Event[]>(sql);
    return pageOf(rows.map(toEvent), filter.limit, (event) => event.id);
  }

  async latestId(): Promise<string> {
    const { _max } = await this.database.client.event.aggregate({ _max: { id: true } });
    return (_max.id ?? 0n).toString();
  }

  private async rangeOf({ after, before, since, order = 'asc', limit }: EventFilter): Promise<EventRange> {
    const start = after === undefined ? 0n : BigInt(after);
    const sinceStart = since === undefined ? 0n : await idBefore(this.database, since);
    return {
      after: start > sinceStart ? start : sinceStart,
      before: before === undefined ? undefined : BigInt(before),
      order,
      limit: limit + 1,
    };
  }
}

/** The narrowest: an instance has fewer events than its machine, and either fewer than a kind. */
function trackOf({ machineId, instanceId }: EventFilter, kinds: string[] | undefined): Track | undefined {
  if (instanceId !== undefined) return { column: 'instance_id', values: [instanceId] };
  if (machineId !== undefined) return { column: 'machine_id', values: [machineId] };
  return kinds && { column: 'kind', values: kinds };
}

/** What the track does not hold. It must not be said again: an equality lets the planner leave the track. */
function besides(
  track: Track | undefined,
  { machineId, since }: EventFilter,
  kinds: string[] | undefined,
): Prisma.Sql {
  const isFree = (column: Track['column']) => track?.column !== column;
  const all = [
    machineId !== undefined && isFree('machine_id') && Prisma.sql`AND machine_id = ${machineId}::uuid`,
    kinds && isFree('kind') && Prisma.sql`AND kind = ANY(${kinds})`,
    since && Prisma.sql`AND at >= ${since}`,
  ];
  return Prisma.join([Prisma.empty, ...all.filter((one) => one !== false && one !== undefined)], ' ');
}

export function eventRow(event: NewEvent, at: Date) {
  return { ...event, at, data: (event.data ?? {}) as object };
}
