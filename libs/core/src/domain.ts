import type { Divided } from './disk-layout.js';
import type { InstallMethodName } from './install-methods.js';
import type { ConfigurationSources, InstanceConfiguration } from './instance-configuration.js';
import type { InstanceState, MachineState, PowerOrder, Stage } from './lifecycle.js';

/** How a disk is attached, in the words of lsblk. USB is not among them: what is plugged in from outside is never taken. */
export const diskTransports = ['sata', 'sas', 'nvme', 'virtio', 'ata', 'fc', 'iscsi', 'mmc', 'spi'] as const;
export type DiskTransport = (typeof diskTransports)[number];

/** Which disk of a machine the OS goes to. Every given field must match; none given: the smallest that fits. */
export interface RootDeviceHint {
  serial?: string;
  wwn?: string;
  model?: string;
  /** A stable path such as `/dev/disk/by-path/…`; names like `/dev/sda` change between boots. */
  path?: string;
  minSizeGb?: number;
  maxSizeGb?: number;
  rotational?: boolean;
  transport?: DiskTransport;
  /** Which namespace of an NVMe controller: its NGUID, EUI-64, UUID, or its number. */
  nvmeNamespace?: string;
}

export const bootModes = ['bios', 'uefi'] as const;
export type BootMode = (typeof bootModes)[number];

/** How thoroughly a disk is cleared after its signatures and partition tables are gone. */
export const wipeModes = ['quick', 'discard', 'secure_erase', 'overwrite'] as const;
export type WipeMode = (typeof wipeModes)[number];

/** What was done to a disk to wipe it: what a wipe mode came to on this disk. */
export const wipeMethods = [
  'signatures',
  'discard',
  'overwrite',
  'nvme_format',
  'nvme_format_crypto',
  'nvme_sanitize_block',
  'nvme_sanitize_crypto',
  'nvme_sanitize_overwrite',
  'ata_erase',
  'ata_enhanced_erase',
] as const;
export type WipeMethod = (typeof wipeMethods)[number];

/** A disk that was wiped and read back, as the live image tells it. */
export interface WipedDisk {
  /** What the live image calls it: `/dev/sda`. */
  disk: string;
  serial: string | null;
  wwn: string | null;
  model: string | null;
  sizeBytes: number;
  method: WipeMethod;
  command: string;
  seconds: number;
  readBack: WipeReadBack;
}

export interface WipeReadBack {
  /** How much was read at each place. */
  placeBytes: number;
  offsets: number[];
  /** How many places held nothing but zeros, nothing but ones, or what is neither (a new key makes noise of old content). */
  held: { zeros: number; ones: number; other: number };
  /** Each place was given a mark before the wipe; none of them was there afterwards. */
  marked: boolean;
}

/** The last time that the disks of a machine were wiped to the end. */
export interface LastWipe {
  /** ISO 8601. */
  at: string;
  /** Whose content it was. */
  instanceId: string;
  /** Empty: whoever wiped them did not tell more. */
  disks: WipedDisk[];
}

/** How much of an image is read again from the disk and compared, once it is written. */
export const readBackPolicies = ['none', 'sampled', 'full'] as const;
export type ReadBack = (typeof readBackPolicies)[number];

/** Observed, never assumed; `unknown` until the BMC has answered once. */
export const powerStates = ['on', 'off', 'unknown'] as const;
export type PowerState = (typeof powerStates)[number];

/** What went wrong last, with this attempt only: cleared when a new attempt starts. */
export interface LastError {
  code: string;
  message: string;
  remedy?: string;
  /** ISO 8601. */
  at: string;
}

/** A sign that somebody put on a machine: maintenance, a lock. */
export interface Mark {
  reason: string;
  /** Who put it there. */
  by: string;
  /** ISO 8601. */
  at: string;
}

/** What becomes of a machine of a type after its instance was destroyed. */
export const afterDestroyPolicies = ['none', 'reinstall'] as const;
export type AfterDestroy = (typeof afterDestroyPolicies)[number];

/** A physical machine of the inventory (a row of the BMM table). */
export interface Machine {
  id: string;
  name: string;
  state: MachineState;
  stateSince: Date;
  stage: Stage | null;
  stageSince: Date | null;
  /** Percent of the present stage, as its installer reported it. */
  progress: number | null;
  progressMessage: string | null;
  /** What is awaited, in words, and until when; null at rest. */
  awaits: string | null;
  awaitsUntil: Date | null;
  /** Which try of the present work this is, from 1. */
  attempt: number;
  /** The next try begins then; null: at once, or none is due. */
  retryAt: Date | null;
  /** Where the last work failed; null when it did not. */
  failedStage: Stage | null;
  lastError: LastError | null;
  power: PowerState;
  powerAt: Date | null;
  /** What start, stop, reboot or power cycle still has to do. */
  powerOrder: PowerOrder | null;
  powerOrderAt: Date | null;
  /** Since when, and why, the BMC does not answer as it should; null: it does. */
  bmcFault: LastError | null;
  /** Not chosen for new owners, for the reason given. */
  maintenance: Mark | null;
  /** Protected from every verb that ends or interrupts what runs on it. */
  locked: Mark | null;
  /** When an owner gave it back, wiped; null: none has. */
  returnedAt: Date | null;
  /** null: they never were. */
  lastWipe: LastWipe | null;
  instanceId: string | null;
  instanceType: string;
  vcpus: number;
  memoryMb: number;
  localGb: number;
  availabilityZone: string;
  bmcHost: string;
  bmcPort: number;
  bmcUser: string;
  bmcCipherSuite: number;
  pxeMac: string;
  pxeIp: string | null;
  storageMac: string | null;
  storageIp: string | null;
  serviceIp: string | null;
  serviceMac1: string | null;
  serviceMac2: string | null;
  switchPort1: number | null;
  switchPort2: number | null;
  dpid1: string | null;
  dpid2: string | null;
  vlanId: number | null;
  bootMode: BootMode;
  rootDeviceHint: RootDeviceHint | null;
  labels: Record<string, string>;
  createdAt: Date;
  updatedAt: Date;
}

export interface Instance {
  id: string;
  hostName: string;
  state: InstanceState;
  machineId: string | null;
  /** null once the image of a deleted instance is gone. */
  imageId: string | null;
  instanceType: string;
  /** null: it was adopted, and not installed here. */
  installMethod: InstallMethodName | null;
  /** The cluster it was spawned for; null: the resource pool. */
  cluster: string | null;
  vlanId: number | null;
  configuration: InstanceConfiguration;
  configurationSources: ConfigurationSources;
  /** Waits in the pool, without an owner, for somebody who wants its image. */
  pooled: boolean;
  /** The pool instance whose OS this one took over; null: it was installed. */
  reusedInstanceId: string | null;
  lastError: LastError | null;
  createdAt: Date;
  installedAt: Date | null;
  deletedAt: Date | null;
}

/** A kind of machine, and how its disks are laid out and wiped. */
export interface InstanceType extends Divided {
  name: string;
  vcpus: number;
  memoryMb: number;
  localGb: number;
  readBack: ReadBack;
  wipeMode: WipeMode;
  /** Words for every kernel on machines of this type; null: both consoles, and a whole disk keeps what it has. */
  kernelArguments: string | null;
  /** Nothing is installed so on machines of this type. */
  forbiddenMethods: InstallMethodName[];
  /** What pool machines of this type are installed with; null: the type has no pool. */
  defaultImageId: string | null;
  afterDestroy: AfterDestroy;
  /** How many machines of this type are to wait in the pool, ready or being made ready. */
  poolSize: number;
  createdAt: Date;
}

/** One fact on the timeline of a machine. `kind` is dotted: `state.changed`, `bmc.command`, `tftp.completed`. */
export interface TimelineEvent {
  /** Ever growing; what a client resumes after. */
  id: string;
  at: Date;
  kind: string;
  machineId: string | null;
  instanceId: string | null;
  /** One sentence for people. */
  message: string;
  data: Record<string, unknown>;
}
