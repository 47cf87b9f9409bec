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
  [filter in 'state' | 'instanceType' | 'label' | 'machineId' | 'instanceId']?: string;
};

const largestPage = 500;

/** The items of a list, page after page, fetched as they are taken. */
export async function* pages<Item>(
  http: HttpTransport,
  schema: z.ZodType<Page<Item>>,
  path: string,
  { limit = Number.POSITIVE_INFINITY, ...query }: ListQuery,
): AsyncGenerator<Item, void> {
  let { after } = query;
  for (let left = limit; left > 0;) {
    const page: Page<Item> = await http.read(schema, {
      path,
      query: { ...query, after, limit: Math.min(left, largestPage) },
    });
    yield* page.items;
    left -= page.items.length;
    if (page.next === null) return;
    after = page.next;
  }
}
