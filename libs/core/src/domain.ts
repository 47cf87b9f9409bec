import type { InstanceState, MachineState, PowerOrder, Stage } from './lifecycle.js';

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
}

export const bootModes = ['bios', 'uefi'] as const;
export type BootMode = (typeof bootModes)[number];

/** How thoroughly a disk is cleared after its signatures and partition tables are gone. */
export const wipeModes = ['quick', 'discard', 'overwrite'] as const;
export type WipeMode = (typeof wipeModes)[number];

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
  /** The cluster it was spawned for; null: the resource pool. */
  cluster: string | null;
  vlanId: number | null;
  sshKeys: string[];
  /** A script that the OS runs once when it first comes up; null: none. */
  userData: string | null;
  /** Waits in the pool, without an owner, for somebody who wants its image. */
  pooled: boolean;
  /** The pool instance whose OS this one took over; null: it was installed. */
  reusedInstanceId: string | null;
  lastError: LastError | null;
  createdAt: Date;
  installedAt: Date | null;
  deletedAt: Date | null;
}

/** An OS image as it is kept: one ext file system, compressed with zstd. */
export interface Image {
  id: string;
  name: string;
  /** Of the stored file, in hexadecimal; the installer checks the bytes it receives against it. */
  sha256: string;
  /** Of the file that was imported: the digest the operator has. */
  sourceSha256: string;
  compressedBytes: number;
  uncompressedBytes: number;
  fileSystem: string;
  defaultUser: string | null;
  createdAt: Date;
}

/** A kind of machine, and how its disk is laid out and wiped. Sizes in MiB; 0 ephemeral: the rest of the disk. */
export interface InstanceType {
  name: string;
  vcpus: number;
  memoryMb: number;
  localGb: number;
  rootSizeMib: number;
  swapSizeMib: number;
  kdumpSizeMib: number;
  ephemeralSizeMib: number;
  wipeMode: WipeMode;
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

type Layout = Pick<InstanceType, 'rootSizeMib' | 'swapSizeMib' | 'kdumpSizeMib' | 'ephemeralSizeMib'>;

const biosBootMib = 5;

/** What the five partitions of this type take of a disk, in MiB. */
export function partitionsMib(type: Layout): number {
  const { rootSizeMib, swapSizeMib, kdumpSizeMib, ephemeralSizeMib } = type;
  return biosBootMib + rootSizeMib + swapSizeMib + kdumpSizeMib + ephemeralSizeMib;
}
