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

export type Disk =
  | { kind: 'wiped' }
  | { kind: 'half-wiped' }
  | { kind: 'half-written'; instanceId: string }
  | { kind: 'installed'; os: InstalledOs };

/** What runs on a machine. */
export type Inside =
  | { kind: 'nobody' }
  | { kind: 'live-image'; script: 'create.sh' | 'hand-over.sh' | 'delete.sh' | 'none' }
  | { kind: 'installed-os'; os: InstalledOs };

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
  /** Every partitioning of its disk, in order. */
  installations: Installation[];
  /** The instances that it was handed over to without an installation, in order. */
  handOvers: string[];
  /** How often its disk was wiped to the end. */
  wipes: number;
}

export function untouched(): Truth {
  return {
    power: 'off',
    disk: { kind: 'wiped' },
    inside: { kind: 'nobody' },
    powerOns: 0,
    resets: 0,
    installations: [],
    handOvers: [],
    wipes: 0,
  };
}
