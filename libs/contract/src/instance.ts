import { instanceStates, instanceVerbs, notifyStates, powerOrderNames } from '#core';
import { z } from 'zod';
import { configurationView } from './configuration/index.js';
import * as f from './fields.js';
import { guestReport } from './guest-report.js';
import { installMethod } from './image-install.js';
import { machineView } from './machine.js';
import { listOf, pagingShape, timeoutSeconds } from './paging.js';
import { lastError } from './problem.js';
import { wipedDisk } from './wipe.js';

export const instanceView = z
  .object({
    id: f.uuid,
    hostName: z.string(),
    state: z.enum(instanceStates),
    verbs: z.array(z.enum(instanceVerbs)).meta({ description: 'What may be asked of it now' }),
    machine: z
      .object({ id: f.uuid, name: z.string(), state: machineView.shape.state, pxeIp: f.ipv4.nullable() })
      .nullable()
      .meta({ description: 'The machine it is on; null when deleted' }),
    power: machineView.shape.power.nullable(),
    powerOrder: z
      .enum(powerOrderNames)
      .nullable()
      .meta({ description: 'What start, stop, reboot or power cycle still has to do' }),
    locked: machineView.shape.locked,
    installation: machineView.shape.installation,
    operatorCall: z
      .object({ instructions: z.string(), since: f.timestamp })
      .nullable()
      .meta({ description: 'What the person is to do who is called to its machine now; null: nobody is' }),
    image: z
      .object({ id: f.uuid, name: z.string() })
      .nullable()
      .meta({ description: 'null when the instance is deleted, and later its image was' }),
    instanceType: z.string(),
    installMethod: installMethod.nullable().meta({ description: 'null: it was adopted' }),
    cluster: z.string().nullable().meta({ description: 'null: the resource pool' }),
    vlanId: z.int().nullable(),
    configuration: configurationView,
    pooled: z.boolean().meta({ description: 'Waits in the pool for an owner' }),
    reusedInstanceId: f.uuid
      .nullable()
      .meta({ description: 'Pool instance whose OS it took over; null: it was installed' }),
    lastError: lastError.nullable(),
    createdAt: f.timestamp,
    installedAt: f.timestamp.nullable(),
    deletedAt: f.timestamp.nullable(),
  })
  .meta({ id: 'Instance' });

export const instanceList = listOf(instanceView).meta({ id: 'InstanceList' });

export const instanceListQuery = z.strictObject({
  state: f
    .listInText(z.enum(instanceStates))
    .optional()
    .meta({ description: 'Only those in one of these states, comma-separated' }),
  deleted: z
    .stringbool({ truthy: ['true'], falsy: ['false'] })
    .optional()
    .meta({ description: '`false` leaves out the deleted ones, which stay as records; `true`: only those' }),
  hostName: f.hostName.optional().meta({ description: 'Only those with this host name' }),
  idPrefix: f.uuidPrefix.optional().meta({ description: 'Only those whose id begins so' }),
  ...pagingShape,
});

export const instanceWaits = ['installed', 'deleted', 'active', 'stopped'] as const;
export const instanceWaitQuery = z.strictObject({
  wait: z.enum(instanceWaits).optional().meta({
    description:
      'Hold the answer until then: 200 when reached, 202 when the time ran out first, 409 when it failed. `active` and `stopped`: and no power order is in hand',
  }),
  timeout: timeoutSeconds,
});

/** Below what clients wait for an answer. */
const maxOwnerWaitSeconds = 50;

export const ownerQuery = z.strictObject({
  timeout: f
    .numberInText(z.number().min(0).max(maxOwnerWaitSeconds))
    .default(maxOwnerWaitSeconds)
    .meta({ description: 'Seconds the request is held at most' }),
});

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'is not an idempotency key: 1 to 255 printable characters without spaces')
  .meta({
    description: 'The same key with the same request gives the same instance, however often it is sent',
  });

export const notifyRequest = z
  .strictObject({
    state: z.enum(notifyStates),
    progress: z.number().min(0).max(100).optional().meta({ description: 'Percent of this state' }),
    message: z.string().max(4096).optional().meta({ description: 'With `failed`: the reason' }),
    wipe: z
      .array(wipedDisk)
      .max(1024)
      .optional()
      .meta({ description: 'With `deleted`: what was done to which disk' }),
    report: guestReport.optional().meta({ description: 'With `installed`: what the OS says of itself' }),
  })
  .meta({
    id: 'NotifyRequest',
    examples: [{ state: 'install', progress: 40, message: 'writing the image' }],
  });

export type InstanceView = z.infer<typeof instanceView>;
export type InstanceListQuery = z.infer<typeof instanceListQuery>;
export type InstanceWaitQuery = z.infer<typeof instanceWaitQuery>;
export type OwnerQuery = z.infer<typeof ownerQuery>;
export type InstanceWait = (typeof instanceWaits)[number];
export type NotifyRequest = z.infer<typeof notifyRequest>;
