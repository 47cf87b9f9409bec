import type { NotifyState } from '#core';
import type { BootDevice, PowerVerb } from '#power';

/**
 * The moments in the life of a machine that is on, in the order in which an installation or a wipe comes by them. A moment is
 * the beginning of what it is called after: a machine that hangs at `kernel` has its configuration and never asks for a kernel.
 */
export const moments = [
  'firmware',
  'loader',
  'configuration',
  'kernel',
  'initrd',
  /** The live image is up and asks for create.sh or delete.sh; an installer asks for its answer file. */
  'script',
  /** An installer has its answers, and is about to fetch what speaks for it. */
  'begin',
  /** create.sh, or what speaks for an installer: about to say `install`. */
  'install',
  /** From here on the disk is half-written. */
  'partition',
  'image',
  /** When it is past, the disk holds an OS that boots. */
  'boot-loader',
  'install_reboot',
  /** delete.sh: about to say `delete`. */
  'delete',
  /** From here on the disk is half-wiped. */
  'wipe',
  /** When it is past, the disk is wiped. */
  'read-back',
  'deleted',
  /** The script has ended well; the live image waits to be switched off, an installer switches off itself. */
  'done',
  /** The disk is booted. */
  'disk',
  /** An OS that runs in memory is about to ask the metadata service who it is. */
  'metadata',
  /** The installed OS, or the one in memory, is about to say `installed`. */
  'installed',
  /** The installed OS waits in the pool, and asks for its owner. */
  'owner',
  /** It has its owner's script, which goes on after a loss of power. */
  'hand-over',
  /** The OS has nothing left to say. */
  'up',
] as const;
export type Moment = (typeof moments)[number];

/** How much of a file is really fetched. */
export type Fetching = 'none' | 'head' | 'whole' | { bytes: number };

/** How a machine is while nothing goes wrong. All of it may be changed while it runs. */
export interface Behaviour {
  /** How long a moment takes; none: no time at all. */
  delayMs: Partial<Record<Moment, number>>;
  fetches: { loader: boolean; kernel: Fetching; initrd: Fetching; image: Fetching };
  /** How long an image is written or a disk wiped. */
  workMs: number;
  /** Said while that goes on, evenly over its time; `as scripts`: as often as the real scripts do. */
  progressReports: number | 'as scripts';
  /** Sent evenly over the same time. */
  logPieces: number;
  /** What it boots from unless its BMC was told otherwise. */
  bootsFrom: BootDevice;
  /** From the button to the power being off, when an OS obeys. */
  softOffMs: number;
  /** How long a power cycle keeps the power off. */
  cycleMs: number;
  /** The first wait before something is tried again; it doubles as the real programs let it. */
  retryMs: number;
}

export const usualBehaviour: Behaviour = {
  delayMs: {},
  fetches: { loader: false, kernel: 'head', initrd: 'head', image: 'head' },
  workMs: 0,
  progressReports: 1,
  logPieces: 1,
  bootsFrom: 'network',
  softOffMs: 0,
  cycleMs: 0,
  retryMs: 1000,
};

/**
 * What goes wrong in a machine. `times` says how often it happens; when it is left out, a restart or a loss of power happens once,
 * everything else as long as the fault is there.
 * Some have other names among operators: no TFTP is `hangs` at `loader`; no configuration is `hangs` at `configuration` with
 * `fetches.loader`; no kernel and no live image are `hangs` at `kernel` and `initrd`; a live image without network is `hangs` at `script`.
 */
export type Fault = { times?: number } & (
  | { kind: 'hangs'; at: Moment }
  | { kind: 'restarts'; at: Moment }
  | { kind: 'loses-power'; at: Moment }
  /** The script ends badly and says so with `failed`; before `install` and `delete` there is no script that could. */
  | { kind: 'fails'; at: Moment; message: string }
  /** Asks for another file by TFTP than the loader that there is, as a machine in UEFI mode does. */
  | { kind: 'asks-for-another-loader'; file: string }
  /** Its live image asks for the other script, as one does that another server has configured. */
  | { kind: 'asks-for-another-script' }
  /** Takes the first piece of the image and no more, with the connection open. */
  | { kind: 'image-stalls' }
  /** Takes no notice of LOCALBOOT or of its disk, and asks the network again. */
  | { kind: 'boots-network-again' }
  /** Stays where it is instead of saying this word. */
  | { kind: 'never-says'; word: NotifyState }
  | { kind: 'says-late'; word: NotifyState; lateMs: number }
  | { kind: 'says-twice'; word: NotifyState }
  /** Says another word first, which is out of order. */
  | { kind: 'says-first'; word: NotifyState; first: NotifyState }
  /** Somebody with another token, at another address, says the word first. */
  | { kind: 'stranger-says'; word: NotifyState }
  | { kind: 'ignores-soft-off' }
);

/** What goes wrong in a BMC. `verbs`: only with these; none: with every one. */
export type BmcFault = { times?: number; verbs?: readonly PowerVerb[] } & (
  | { kind: 'dead' }
  /** Slower than the driver's patience: the order is carried out, and the answer comes too late. */
  | { kind: 'slow'; ms: number }
  /** Takes no password at all any more. */
  | { kind: 'wrong-password' }
  /** Says yes and does nothing. */
  | { kind: 'does-nothing' }
  | { kind: 'answers-garbage' }
  | { kind: 'refuses' }
);
