import { DomainError, type Instance, type InstanceState, instanceStates } from '#core';
import type { Database } from './database.js';
import { type Page, pageOf } from './page.js';
import { toInstance } from './rows.js';

export interface InstanceFilter {
  /** In any of these. */
  states?: readonly InstanceState[];
  /** Only the deleted ones, or none of them. */
  deleted?: boolean;
  hostName?: string;
  /** The first digits of the id, dashes included. */
  idPrefix?: string;
  /** Id after which the page starts. */
  after?: string;
  limit: number;
}

/** Reading instances. They are made and moved on by LifecycleWriter alone. */
export class InstanceStore {
  constructor(private readonly database: Database) {}

  /** Throws DomainError `instance-not-found`. */
  async get(id: string): Promise<Instance> {
    const row = await this.database.client.instance.findUnique({ where: { id } });
    if (row) return toInstance(row);
    throw new DomainError('instance-not-found', `There is no instance ${id}.`, {
      remedy: 'List the instances to see their ids.',
    });
  }

  /** In the order of their ids. */
  async list(filter: InstanceFilter): Promise<Page<Instance>> {
    const { idPrefix, after, hostName, limit } = filter;
    const rows = await this.database.client.instance.findMany({
      where: {
        state: { in: statesOf(filter) },
        hostName,
        AND: [{ id: idPrefix === undefined ? undefined : between(idPrefix) }, { id: { gt: after } }],
      },
      orderBy: { id: 'asc' },
      take: limit + 1,
    });
    return pageOf(rows.map(toInstance), limit, (instance) => instance.id);
  }
}

/** undefined: all; named one by one rather than "not deleted", for which an index is of no use. */
function statesOf({ states, deleted }: InstanceFilter): InstanceState[] | undefined {
  if (deleted === undefined) return states && [...states];
  return (states ?? instanceStates).filter((state) => (state === 'deleted') === deleted);
}

const lowest = '00000000-0000-0000-0000-000000000000';

/** From the first to the last id that begins so. */
function between(prefix: string): { gte: string; lte: string } {
  const rest = lowest.slice(prefix.length);
  return { gte: prefix + rest, lte: prefix + rest.replaceAll('0', 'f') };
}
