import { errorCodes } from '#core';
import { z } from 'zod';

export const fieldFault = z
  .object({
    field: z
      .string()
      .meta({ description: 'Path of the field; empty when the whole input is meant', examples: ['pxeMac'] }),
    message: z.string(),
    row: z
      .int()
      .optional()
      .meta({ description: 'Imports only: number of the row, the heading of a CSV file being row 1' }),
  })
  .meta({ id: 'FieldFault' });

/** RFC 9457 problem details, as every error is answered. */
export const problem = z
  .object({
    type: z.string().meta({ examples: ['urn:dodai:problem:machine-not-found'] }),
    title: z.string().meta({ examples: ['Machine not found'] }),
    status: z.int(),
    detail: z.string().meta({ description: 'What was asked and what was found' }),
    code: z.enum(errorCodes).meta({ description: 'What programs match on' }),
    retryable: z.boolean().meta({ description: 'Whether the same request may succeed later' }),
    remedy: z.string().optional().meta({ description: 'What to do next' }),
    errors: z.array(fieldFault).optional().meta({ description: 'Every fault of the input' }),
    context: z.record(z.string(), z.unknown()).optional().meta({ description: 'Facts for programs' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details: says what is wrong and what to do' });

export const lastError = z
  .object({ code: z.string(), message: z.string(), remedy: z.string().optional(), at: z.string() })
  .meta({ id: 'LastError', description: 'What went wrong with the present attempt' });

export type FieldFault = z.infer<typeof fieldFault>;
export type Problem = z.infer<typeof problem>;
