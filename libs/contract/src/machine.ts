import { bootModes, diskTransports, machineStates, powerOrderNames, powerStates, stages, verbs } from '#core';
import { z } from 'zod';
import * as f from './fields.js';
import { listOf, pagingShape, timeoutSeconds } from './paging.js';
import { lastError } from './problem.js';
import { lastWipe } from './wipe.js';

export const rootDeviceHint = z
  .strictObject({
    serial: z.string().min(1).max(255).optional(),
    wwn: z.string().min(1).max(255).optional(),
    model: z.string().min(1).max(255).optional(),
    path: z
      .string()
      .regex(
        /^\/dev\/disk\/by-(id|path|uuid)\/[\w.:+-]+$/,
        'is not a stable path such as /dev/disk/by-path/…',
      )
      .optional(),
    minSizeGb: z.number().positive().optional(),
    maxSizeGb: z.number().positive().optional(),
    rotational: z.boolean().optional(),
    transport: z
      .enum(diskTransports)
      .optional()
      .meta({ description: 'How it is attached. A disk on USB is never taken' }),
    nvmeNamespace: z
      .string()
      .regex(
        /^[0-9a-f.-]{1,64}$/i,
        'is not a namespace of an NVMe controller: its NGUID, EUI-64, UUID or number',
      )
      .optional()
      .meta({ description: 'NGUID, EUI-64, UUID or number of the namespace' }),
  })
  .meta({
    id: 'RootDeviceHint',
    description: 'Which disk the OS goes to: all given fields must match. None: the smallest that fits',
    examples: [{ serial: 'S4EMNX0R' }],
  });

/** What must be said of a machine. */
const required = {
  name: f.name.meta({ description: 'Unique name', examples: ['rack1-03'] }),
  instanceType: f.name.meta({ description: 'Name of its instance type', examples: ['standard'] }),
  bmcHost: f.host,
  bmcUser: z
    .string()
    .min(1)
    .max(16)
    .meta({ description: 'IPMI user', examples: ['admin'] }),
  bmcPassword: z.string().min(1).max(20).meta({
    description: 'IPMI password, at most 20 bytes. Kept encrypted, never returned.',
    writeOnly: true,
    format: 'password',
  }),
  pxeMac: f.macInput.meta({ description: 'MAC address of the card it network-boots from' }),
};

/** What is taken from the instance type when it is not said. */
const capacity = {
  vcpus: z.int().min(1).max(4096).meta({ description: 'CPU threads; default: of the instance type' }),
  memoryMb: z
    .int()
    .min(1)
    .max(1_073_741_824)
    .meta({ description: 'Memory in MiB; default: of the instance type' }),
  localGb: z
    .int()
    .min(0)
    .max(1_048_576)
    .meta({ description: 'Disk in GB; 0: it has none. Default: of the instance type' }),
};

/** What has a default. */
const defaulted = {
  availabilityZone: z.string().min(1).max(255).meta({ description: 'Zone, as orchestrators name it' }),
  bmcPort: f.port.meta({ description: 'UDP port of the BMC' }),
  bmcCipherSuite: z.union([z.literal(3), z.literal(17)]).meta({ description: 'IPMI cipher suite: 3 or 17' }),
  bootMode: z.enum(bootModes),
  labels: f.labels,
};

/** What a machine may lack. */
const optional = {
  pxeIp: f.ipv4.nullable().meta({ description: 'Address it gets when it network-boots' }),
  storageMac: f.macInput.nullable(),
  storageIp: f.ipv4.nullable(),
  serviceIp: f.ipv4.nullable(),
  serviceMac1: f.macInput.nullable(),
  serviceMac2: f.macInput.nullable(),
  switchPort1: z
    .int()
    .min(0)
    .max(65535)
    .nullable()
    .meta({ description: 'Port of the first switch it is wired to' }),
  switchPort2: z.int().min(0).max(65535).nullable(),
  dpid1: z
    .string()
    .max(64)
    .nullable()
    .meta({ description: 'Datapath id of the first switch it is wired to' }),
  dpid2: z.string().max(64).nullable(),
  vlanId: f.vlanId.nullable(),
  rootDeviceHint: rootDeviceHint.nullable(),
};

export const machineCreate = z
  .strictObject({
    ...required,
    ...z.object({ ...capacity, ...optional }).partial().shape,
    availabilityZone: defaulted.availabilityZone.default('resource_pool'),
    bmcPort: defaulted.bmcPort.default(623),
    bmcCipherSuite: defaulted.bmcCipherSuite.default(3),
    bootMode: defaulted.bootMode.default('bios'),
    labels: defaulted.labels.default({}),
  })
  .meta({
    id: 'MachineCreate',
    examples: [
      {
        name: 'rack1-03',
        instanceType: 'standard',
        bmcHost: '10.77.0.103',
        bmcUser: 'admin',
        bmcPassword: 'secret',
        pxeMac: '52:54:00:12:34:56',
        pxeIp: '10.77.0.53',
      },
    ],
  });

export const machinePatch = z
  .strictObject({ ...required, ...capacity, ...defaulted, ...optional })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'names no field to change')
  .meta({ id: 'MachinePatch', description: 'Fields to change; null clears one that may be empty' });

/** A sign that somebody put on a machine. */
const mark = z.object({ reason: z.string(), by: z.string(), at: f.timestamp });

const { bmcPassword: _neverShown, ...requiredShown } = required;

export const machineView = z
  .object({
    id: f.uuid,
    ...requiredShown,
    pxeMac: f.mac,
    ...capacity,
    ...defaulted,
    ...optional,
    storageMac: f.mac.nullable(),
    serviceMac1: f.mac.nullable(),
    serviceMac2: f.mac.nullable(),
    state: z.enum(machineStates),
    stateSince: f.timestamp,
    status: z
      .enum(['inactive', 'processing', 'active', 'used'])
      .meta({ description: 'The word of the BMM table' }),
    verbs: z.array(z.enum(verbs)).meta({ description: 'What may be asked of it now' }),
    power: z.object({
      state: z.enum(powerStates),
      at: f.timestamp.nullable().meta({ description: 'When the BMC said so' }),
      ageSeconds: z.int().nullable(),
    }),
    installation: z
      .object({
        stage: z.enum(stages),
        since: f.timestamp,
        progress: z.number().nullable().meta({ description: 'Percent of this stage' }),
        message: z.string().nullable(),
        awaits: z.string().nullable().meta({ description: 'What is awaited, in words' }),
        awaitsUntil: f.timestamp.nullable(),
        attempt: z.int().meta({ description: 'Which try this is, from 1' }),
        retryAt: f.timestamp.nullable().meta({ description: 'When the next try begins' }),
      })
      .nullable()
      .meta({ description: 'Progress of the installation or deletion; null when there is none' }),
    failedStage: z.enum(stages).nullable().meta({ description: 'Where the last work failed' }),
    lastError: lastError.nullable(),
    powerOrder: z
      .enum(powerOrderNames)
      .nullable()
      .meta({ description: 'What start, stop, reboot or power cycle still has to do' }),
    bmcFault: lastError.nullable().meta({ description: 'Why the BMC cannot be asked; null: it can' }),
    maintenance: mark.nullable().meta({ description: 'Given to no new owner' }),
    locked: mark.nullable().meta({ description: 'Takes no verb that ends or interrupts what runs on it' }),
    returnedAt: f.timestamp.nullable().meta({ description: 'When the last owner gave it back, wiped' }),
    lastWipe: lastWipe.nullable().meta({
      description: 'How its disks were wiped last, kept until the next time; null: they never were',
    }),
    instanceId: f.uuid.nullable(),
    createdAt: f.timestamp,
    updatedAt: f.timestamp,
  })
  .meta({ id: 'Machine' });

export const machineList = listOf(machineView).meta({ id: 'MachineList' });

export const machineListQuery = z.strictObject({
  state: z.enum(machineStates).optional(),
  instanceType: f.name.optional(),
  label: z
    .string()
    .regex(/^[^=]+=.*$/, 'is not a label: key=value')
    .optional()
    .meta({ description: '`key=value`' }),
  ...pagingShape,
});

export const machineWaitQuery = z.strictObject({
  wait: z.literal('verified').optional().meta({ description: 'Hold the answer until its BMC was checked' }),
  timeout: timeoutSeconds,
});

export const powerVerbs = ['on', 'off', 'soft', 'reset', 'cycle'] as const;
export const powerRequest = z.strictObject({ verb: z.enum(powerVerbs) }).meta({
  id: 'PowerRequest',
  description:
    '`soft` asks the OS to shut down; `off` cuts the power; `reset` restarts at once; `cycle` is off, then on',
});

export type MachineCreate = z.infer<typeof machineCreate>;
/** What a client may leave out is optional here. */
export type MachineCreateInput = z.input<typeof machineCreate>;
export type MachinePatch = z.infer<typeof machinePatch>;
export type MachineView = z.infer<typeof machineView>;
export type MachineListQuery = z.infer<typeof machineListQuery>;
export type MachineWaitQuery = z.infer<typeof machineWaitQuery>;
export type PowerRequest = z.infer<typeof powerRequest>;
export type PowerVerb = PowerRequest['verb'];
