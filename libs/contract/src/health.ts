import { z } from 'zod';

export const health = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    checks: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'What was looked at: ok, or what is wrong' }),
  })
  .meta({ id: 'Health' });

export type Health = z.infer<typeof health>;
