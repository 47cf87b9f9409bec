import { z } from 'zod';
import * as f from './fields.js';

export const rebuildRequest = z
  .strictObject({ image: f.idOrName.optional().meta({ description: 'Image, by id or name; none: its own' }) })
  .meta({ id: 'RebuildRequest', examples: [{ image: 'debian-13' }] });

export const stopRequest = z
  .strictObject({
    hard: z.boolean().default(false).meta({
      description: 'true: cut the power; else the OS is asked, and its power is cut when it does not obey',
    }),
  })
  .meta({ id: 'StopRequest', examples: [{ hard: false }] });

export const markRequest = z
  .strictObject({ reason: f.reason })
  .meta({ id: 'MarkRequest', examples: [{ reason: 'the fan is being changed' }] });

export const manualFailure = z
  .strictObject({ reason: f.reason })
  .meta({ id: 'ManualFailure', examples: [{ reason: 'the second power supply is dead' }] });

export const adoptRequest = z
  .strictObject({
    hostName: f.hostName,
    image: f.idOrName
      .optional()
      .meta({ description: 'Image that it is taken to run, by id or name; a rebuild then needs none' }),
    cluster: f.cluster.optional().meta({ description: 'Cluster it belongs to' }),
    vlanId: f.vlanId.optional(),
  })
  .meta({ id: 'AdoptRequest', examples: [{ hostName: 'db1', cluster: 'blue', vlanId: 12 }] });

export const destroyQuery = z.strictObject({
  force: f.flagInText.meta({
    description: 'true: give it up at once, whatever its BMC does; the machine is not wiped and is kept back',
  }),
});

export type RebuildRequest = z.infer<typeof rebuildRequest>;
export type StopRequest = z.infer<typeof stopRequest>;
export type ManualFailure = z.infer<typeof manualFailure>;
export type MarkRequest = z.infer<typeof markRequest>;
export type AdoptRequest = z.infer<typeof adoptRequest>;
export type DestroyQuery = z.infer<typeof destroyQuery>;
