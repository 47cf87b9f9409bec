import { z } from 'zod';
import * as f from './fields.js';
import { listOf, pagingShape } from './paging.js';

export const eventView = z
  .object({
    id: z
      .string()
      .meta({ description: 'Ever growing; resume after it with Last-Event-ID', examples: ['1042'] }),
    at: f.timestamp,
    kind: z.string().meta({ description: 'Dotted', examples: ['state.changed'] }),
    machineId: f.uuid.nullable(),
    instanceId: f.uuid.nullable(),
    message: z.string().meta({ description: 'One sentence for people' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'One fact on the timeline' });

export const eventList = listOf(eventView)
  .extend({
    next: z.string().nullable().meta({
      description:
        'Gets the next page: as `after` when the oldest come first, as `before` when the newest do; null: this was the last',
    }),
  })
  .meta({ id: 'EventList' });

/** Event ids are numbers in text. */
export const eventId = z.string().regex(/^\d{1,18}$/, 'is not the id of an event');

const kind = z
  .string()
  .regex(
    /^[a-z][a-z0-9_.-]{0,62}$/,
    'is not a kind of event such as state.changed, or bmc. for all below it',
  );

/** The timeline of one machine or instance. */
export const eventPageQuery = z.strictObject({
  after: eventId.optional().meta({ description: 'Only events later than this one' }),
  before: eventId.optional().meta({ description: 'Only events earlier than this one; pages only' }),
  order: z.enum(['asc', 'desc']).default('asc').meta({
    description: '`asc`: the oldest first; `desc`: the newest first, for the tail of a timeline; pages only',
  }),
  kind: f
    .listInText(kind)
    .optional()
    .meta({ description: 'Only these kinds, comma-separated; `bmc.` stands for every kind below it' }),
  since: z.iso
    .datetime({ offset: true, error: 'is not a time such as 2026-01-31T12:00:00Z' })
    .optional()
    .meta({ description: 'Only what happened at this time or later' }),
  limit: pagingShape.limit,
});

export const eventListQuery = eventPageQuery.extend({
  machineId: f.uuid.optional(),
  instanceId: f.uuid.optional(),
});

export type EventView = z.infer<typeof eventView>;
export type EventPageQuery = z.infer<typeof eventPageQuery>;
export type EventListQuery = z.infer<typeof eventListQuery>;
