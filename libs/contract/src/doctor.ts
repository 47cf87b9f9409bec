import { doctorVerdicts } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { guestReport } from './guest-report.js';

export const doctorView = z
  .object({
    at: f.timestamp.nullable().meta({ description: 'When the OS told; null: it has not told anything yet' }),
    checks: z.array(
      z.object({
        field: z.string().meta({ examples: ['network.addresses.0'] }),
        asked: z.string(),
        found: z.string(),
        verdict: z.enum(doctorVerdicts).meta({ description: '`unknown`: the OS does not tell' }),
      }),
    ),
    report: guestReport.nullable().meta({ description: 'All that the OS told' }),
  })
  .meta({
    id: 'Doctor',
    description: 'What the OS of an instance says of itself, beside what was asked for',
  });

export type DoctorView = z.infer<typeof doctorView>;
