import { z } from 'zod';
import * as f from './fields.js';

export const consoleQuery = z.strictObject({
  instance: f.uuid
    .optional()
    .meta({ description: 'All that was captured while this instance was on the machine' }),
});

/** Header of the answer: what is captured after it is told by later events only. */
export const lastEventIdHeader = 'Last-Event-ID';

export type ConsoleQuery = z.infer<typeof consoleQuery>;
