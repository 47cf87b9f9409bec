import type { ReportedPower } from '#power';

/** What an installation has put on a disk. */
export interface InstalledOs {
  instanceId: string;
  imageId: string;
  hostName: string;
  sshKeys: readonly string[];
  notifyUrl: string;
  token: string;
  /** It has said `installed`, and never says it again. */
  reported: boolean;
}

export type Disk =
  | { kind: 'wiped' }
  | { kind: 'half-wiped' }
  | { kind: 'half-written'; instanceId: string }
  | { kind: 'installed'; os: InstalledOs };

/** What runs on a machine. */
export type Inside =
  | { kind: 'nobody' }
  | { kind: 'live-image'; script: 'create.sh' | 'delete.sh' | 'none' }
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
    wipes: 0,
  };
}
