import type { TimelineEvent } from '#core';
import type { Database } from './database.js';
import { type Page, pageOf } from './page.js';
import { toEvent } from './rows.js';

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
  /** Only what came after this event's id. */
  after?: string;
  limit: number;
}

/** The timeline: appended to, never changed. */
export class EventStore {
  constructor(private readonly database: Database) {}

  async append(event: NewEvent): Promise<void> {
    await this.database.client.event.create({ data: eventRow(event, this.database.clock.now()) });
  }

  /** Oldest first. */
  async list(filter: EventFilter): Promise<Page<TimelineEvent>> {
    const rows = await this.database.client.event.findMany({
      where: {
        machineId: filter.machineId,
        instanceId: filter.instanceId,
        id: filter.after === undefined ? undefined : { gt: BigInt(filter.after) },
      },
      orderBy: { id: 'asc' },
      take: filter.limit + 1,
    });
    return pageOf(rows.map(toEvent), filter.limit, (event) => event.id);
  }

  async latestId(): Promise<string> {
    const { _max } = await this.database.client.event.aggregate({ _max: { id: true } });
    return (_max.id ?? 0n).toString();
  }
}

export function eventRow(event: NewEvent, at: Date) {
  return { ...event, at, data: (event.data ?? {}) as object };
}
