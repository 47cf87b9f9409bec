import { instanceStates, machineStates, stages, verbs } from '#core';
import { z } from 'zod';
import * as f from './fields.js';

const fact = z
  .object({ at: f.timestamp, what: z.string() })
  .meta({ id: 'WhyFact', description: 'Something that happened, or was seen' });

export const whyFinding = z
  .object({
    rule: z.string().meta({
      description: 'What programs match on; docs/why.md lists them all',
      examples: ['dhcp-no-tftp'],
    }),
    weight: z.enum(['outcome', 'cause', 'standing', 'note']).meta({
      description:
        'outcome: how the work ended; cause: what is wrong; standing: what is going on, nothing being wrong; note: worth knowing besides',
    }),
    says: z.string().meta({ description: 'What is so' }),
    missing: z.string().nullable().meta({ description: 'What would have come next and has not' }),
    next: z.array(z.string()).meta({ description: 'What to check, the likeliest first' }),
    evidence: z.array(fact).meta({ description: 'What it is concluded from, the oldest first' }),
  })
  .meta({ id: 'WhyFinding' });

export const whyView = z
  .object({
    machine: z
      .object({
        id: f.uuid,
        name: z.string(),
        state: z.enum(machineStates),
        stage: z.enum(stages).nullable(),
      })
      .nullable(),
    instance: z.object({ id: f.uuid, hostName: z.string(), state: z.enum(instanceStates) }).nullable(),
    headline: z.string().meta({ description: 'Where it stands, in one sentence' }),
    since: f.timestamp,
    lastSeen: fact
      .nullable()
      .meta({ description: 'The last that the machine itself did since its work began' }),
    awaits: z.string().nullable().meta({ description: 'What is awaited, in words' }),
    until: f.timestamp.nullable().meta({ description: 'Until when it is awaited' }),
    findings: z.array(whyFinding).meta({ description: 'What matters most first' }),
    nextVerbs: z.array(z.enum(verbs)).meta({ description: 'What may be asked of it now' }),
  })
  .meta({ id: 'Why', description: 'Where a machine or an instance stands, and what to check next' });

export type WhyView = z.infer<typeof whyView>;
