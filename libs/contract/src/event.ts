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

export const eventList = listOf(eventView).meta({ id: 'EventList' });

/** Event ids are numbers in text. */
export const eventId = z.string().regex(/^\d{1,18}$/, 'is not the id of an event');

/** The timeline of one machine or instance. */
export const eventPageQuery = z.strictObject({
  after: eventId.optional().meta({ description: 'Only events later than this one' }),
  limit: pagingShape.limit,
});

export const eventListQuery = eventPageQuery.extend({
  machineId: f.uuid.optional(),
  instanceId: f.uuid.optional(),
});

export type EventView = z.infer<typeof eventView>;
export type EventPageQuery = z.infer<typeof eventPageQuery>;
export type EventListQuery = z.infer<typeof eventListQuery>;
