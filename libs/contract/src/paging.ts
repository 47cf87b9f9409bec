import { z } from 'zod';
import { numberInText } from './fields.js';

export const defaultPageSize = 100;

/** The part of every list query that pages. */
export const pagingShape = {
  after: z.string().max(200).optional().meta({ description: '`next` of the page before' }),
  limit: numberInText(z.int().min(1).max(1000))
    .default(defaultPageSize)
    .meta({ description: 'Items on a page', examples: [100] }),
};

export const pagingQuery = z.strictObject(pagingShape);
export type PagingQuery = z.infer<typeof pagingQuery>;

/** A page of a list; `next` goes into `after` for the following one. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z
      .string()
      .nullable()
      .meta({ description: 'Give it as `after` to get the next page; null: this was the last' }),
  });
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** Longest a request is held; longer waits are repeated by the client. */
export const maxWaitSeconds = 3600;

export const timeoutSeconds = numberInText(z.number().min(0).max(maxWaitSeconds))
  .default(30)
  .meta({ description: 'Seconds the request is held at most', examples: [30] });
