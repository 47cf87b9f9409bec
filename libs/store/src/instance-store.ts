import { DomainError, type Instance, type InstanceState } from '#core';
import type { Database } from './database.js';
import { type Page, pageOf } from './page.js';
import { toInstance } from './rows.js';

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
  async list(filter: { state?: InstanceState; after?: string; limit: number }): Promise<Page<Instance>> {
    const rows = await this.database.client.instance.findMany({
      where: { state: filter.state, id: filter.after === undefined ? undefined : { gt: filter.after } },
      orderBy: { id: 'asc' },
      take: filter.limit + 1,
    });
    return pageOf(rows.map(toInstance), filter.limit, (instance) => instance.id);
  }
}
