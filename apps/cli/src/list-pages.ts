import type { Page } from '#contract';
import type { z } from 'zod';
import type { HttpTransport } from './http-transport.js';

export interface ListOptions {
  /** At most so many items in all; not given: all there are. */
  limit?: number;
  /** Only those behind this place: `next` of a page, or an event's id. */
  after?: string;
}

type ListQuery = ListOptions & {
  [
    filter in
      | 'state'
      | 'instanceType'
      | 'label'
      | 'hostName'
      | 'idPrefix'
      | 'machineId'
      | 'instanceId'
      | 'kind'
      | 'since'
      | 'before'
  ]?: string;
} & { deleted?: boolean; order?: 'asc' | 'desc' };

const largestPage = 500;

/** The items of a list, page after page, fetched as they are taken; the newest first they go on before the last. */
export async function* pages<Item>(
  http: HttpTransport,
  schema: z.ZodType<Page<Item>>,
  path: string,
  { limit = Number.POSITIVE_INFINITY, ...query }: ListQuery,
): AsyncGenerator<Item, void> {
  const onwards = query.order === 'desc' ? 'before' : 'after';
  let place = query[onwards];
  for (let left = limit; left > 0;) {
    const page: Page<Item> = await http.read(schema, {
      path,
      query: { ...query, [onwards]: place, limit: Math.min(left, largestPage) },
    });
    yield* page.items;
    left -= page.items.length;
    if (page.next === null) return;
    place = page.next;
  }
}
