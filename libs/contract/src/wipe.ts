import { wipeMethods } from '#core';
import { z } from 'zod';
import * as f from './fields.js';

const count = z.int().min(0);
/** Terabytes in bytes stay far below what a number holds. */
const bytes = z.int().min(0);
const text = z.string().max(255);

export const wipedDisk = z
  .strictObject({
    disk: text.meta({ description: 'What the live image calls it', examples: ['/dev/sda'] }),
    serial: text.nullable(),
    wwn: text.nullable(),
    model: text.nullable(),
    sizeBytes: bytes,
    method: z.enum(wipeMethods).meta({ description: 'What the wipe mode of its type came to on this disk' }),
    command: z.string().max(1024),
    seconds: count,
    readBack: z.strictObject({
      placeBytes: bytes.meta({ description: 'How much was read at each place' }),
      offsets: z.array(bytes).max(64),
      held: z
        .strictObject({ zeros: count, ones: count, other: count })
        .meta({ description: 'How many places held nothing but zeros, nothing but ones, or neither' }),
      marked: z
        .boolean()
        .meta({ description: 'Each place was given a mark before the wipe; none was there afterwards' }),
    }),
  })
  .meta({ id: 'WipedDisk' });

export const lastWipe = z
  .object({
    at: f.timestamp,
    instanceId: f.uuid.meta({ description: 'Whose content it was' }),
    disks: z.array(wipedDisk).meta({ description: 'Empty: whoever wiped them did not tell more' }),
  })
  .meta({ id: 'LastWipe', description: 'The last time that the disks were wiped to the end' });
