import type { ReportedPower } from '#power';

/** What an installation has put on a disk. */
export interface InstalledOs {
  instanceId: string;
  imageId: string;
  hostName: string;
  sshKeys: readonly string[];
  /** Empty: none. */
  userData: string;
  /** How often that was run. */
  userDataRuns: number;
  notifyUrl: string;
  token: string;
  /** It has said `installed`, and never says it again. */
  reported: boolean;
  /** It has no owner, and asks for one. */
  pooled: boolean;
  /** The script of its owner, which it has and has not run to its end. */
  handOver?: string;
}

/** Whose an OS is that runs in memory; nobody's until the metadata service has told. */
interface OsInMemory {
  instanceId: string | null;
  hostName: string | null;
}

export type Disk =
  | { kind: 'wiped' }
  | { kind: 'half-wiped' }
  | { kind: 'half-written'; instanceId: string }
  | { kind: 'installed'; os: InstalledOs };

/** What runs on a machine. */
export type Inside =
  | { kind: 'nobody' }
  | { kind: 'live-image'; script: 'create.sh' | 'hand-over.sh' | 'delete.sh' | 'none' }
  | { kind: 'installer' }
  | { kind: 'installed-os'; os: InstalledOs }
  | { kind: 'os-in-memory'; os: OsInMemory };

export interface Installation {
  instanceId: string;
  /** What was on the disk when it was partitioned. */
  before: Disk;
  completed: boolean;
}

/** What really is, whatever the controller believes. */
export interface Truth {
  power: ReportedPower;
  disk: Disk;
  inside: Inside;
  /** How often its power was switched on. */
  powerOns: number;
  /** How often it was started anew with its power on. */
  resets: number;
  /** How often what ran on it gave up. */
  standstills: number;
  /** Every partitioning of its disk, in order. */
  installations: Installation[];
  /** The instances that it was handed over to without an installation, in order. */
  handOvers: string[];
  /** How often its disk was wiped to the end. */
  wipes: number;
}

/** Begins to write the disk for an instance. What is answered ends that, with the OS that is then on it. */
export function partition(truth: Truth, instanceId: string): (os: InstalledOs) => void {
  const installation = { instanceId, before: truth.disk, completed: false };
  truth.installations.push(installation);
  truth.disk = { kind: 'half-written', instanceId };
  return (os) => {
    truth.disk = { kind: 'installed', os };
    installation.completed = true;
  };
}

export function untouched(): Truth {
  return {
    power: 'off',
    disk: { kind: 'wiped' },
    inside: { kind: 'nobody' },
    powerOns: 0,
    resets: 0,
    standstills: 0,
    installations: [],
    handOvers: [],
    wipes: 0,
  };
}
