/**
 * The whole life of a machine, as data. Types, the database's and the API's enums, the boot decision, the
 * allowed verbs and the diagram in README all derive from the tables below.
 *
 * A *state* is where a machine rests or which work is under way. A *stage* is the progress inside a work that
 * an installer drives. An event leads from one to the next; an event that a state does not name is refused
 * there. A working state has exactly one failed state, and only a verb leaves a failed state.
 */

/** Compile-time check: every target of an event must itself be a key of the table. */
function defineLifecycle<const T extends { [K in keyof T]: { on: { readonly [event: string]: keyof T } } }>(
  table: T,
): T {
  return table;
}

/**
 * States of a machine. dodai's four words stay: `inactive` (free), *processing* (here the working states, see
 * {@link bmmStatus}), `active` (its OS is ready and it is in the resource pool), `used` (belongs to a cluster).
 * `reuse` hands a pool machine to a new owner with the OS it has; `replace` installs another one on it.
 * `force_destroy` gives an instance up at once, with whatever its BMC does: its machine is kept back, unwiped.
 */
export const machineLifecycle = defineLifecycle({
  enrolled: { kind: 'rest', on: { verify: 'verifying', adopt: 'used' } },
  verifying: {
    kind: 'work',
    on: { verified: 'inactive', failed: 'verify_failed', abort: 'verify_failed' },
  },
  verify_failed: { kind: 'failed', on: { verify: 'verifying', retry: 'verifying' } },

  inactive: { kind: 'rest', on: { spawn: 'installing', verify: 'verifying', adopt: 'used' } },
  installing: {
    kind: 'work',
    on: {
      installed_for_pool: 'active',
      installed_for_cluster: 'used',
      failed: 'install_failed',
      abort: 'install_failed',
      destroy: 'deleting',
      force_destroy: 'delete_failed',
    },
  },
  install_failed: {
    kind: 'failed',
    on: {
      retry: 'installing',
      rebuild: 'installing',
      destroy: 'deleting',
      force_destroy: 'delete_failed',
    },
  },

  active: {
    kind: 'rest',
    on: {
      reuse: 'handing_over',
      replace: 'installing',
      rebuild: 'installing',
      destroy: 'deleting',
      force_destroy: 'delete_failed',
    },
  },
  handing_over: {
    kind: 'work',
    on: {
      installed_for_pool: 'active',
      installed_for_cluster: 'used',
      not_taken: 'installing',
      abort: 'install_failed',
      destroy: 'deleting',
      force_destroy: 'delete_failed',
    },
  },
  used: {
    kind: 'rest',
    on: { rebuild: 'installing', destroy: 'deleting', force_destroy: 'delete_failed' },
  },

  deleting: {
    kind: 'work',
    on: {
      deleted: 'inactive',
      failed: 'delete_failed',
      abort: 'delete_failed',
      force_destroy: 'delete_failed',
    },
  },
  delete_failed: {
    kind: 'failed',
    on: { retry: 'deleting', destroy: 'deleting', force_destroy: 'delete_failed' },
  },
});

/**
 * Stages of an installation. `install`, `install_reboot` and `installed` are the words an installer notifies.
 * A machine is always seen off (`powered_off`) before it is switched on: after a crash in between, a machine that
 * is on was switched on by us, and nothing is done twice.
 * An OS that runs in memory is only started (`starting`); where a person installs, they are called (`operator`).
 * `netboot` is what the machine is given when it boots from the network in that stage: what installs it, or its OS,
 * which starts from the disk but where the install method says otherwise. The flip to `os` at `install` is the latch
 * that keeps a later reset from installing a second time.
 * `retryFrom` is where a new try of a stage begins: a disk that was half written is begun anew, an OS that is
 * written is only started again.
 */
export const installationStages = defineLifecycle({
  queued: {
    netboot: 'installer',
    retryFrom: 'queued',
    on: { powered_off: 'booting', runs_in_memory: 'starting', operator_called: 'operator' },
  },
  booting: { netboot: 'installer', retryFrom: 'queued', on: { install: 'install' } },
  operator: {
    netboot: 'installer',
    retryFrom: 'queued',
    on: { install_reboot: 'install_reboot', install: 'install' },
  },
  install: { netboot: 'os', retryFrom: 'queued', on: { install_reboot: 'install_reboot' } },
  install_reboot: { netboot: 'os', retryFrom: 'install_reboot', on: { powered_off: 'booting_disk' } },
  booting_disk: { netboot: 'os', retryFrom: 'install_reboot', on: { installed: 'installed' } },
  starting: { netboot: 'os', retryFrom: 'queued', on: { installed: 'installed' } },
  installed: { netboot: 'os', retryFrom: 'installed', on: {} },
});

/**
 * Stages of handing a pool machine over: the new owner is offered to the OS that runs on it, which takes on the
 * owner's name, keys and user data and says `installed`. One that does not is installed instead (`not_taken`).
 */
export const handOverStages = defineLifecycle({
  offered: { netboot: 'os', retryFrom: 'offered', on: { installed: 'installed' } },
  installed: { netboot: 'os', retryFrom: 'installed', on: {} },
});

/**
 * Stages of a deletion. The machine is given the wiping image until it has said `deleted`: a restart in the
 * middle of a wipe wipes again, and never starts the old OS. A machine without a disk is only switched off.
 */
export const deletionStages = defineLifecycle({
  queued: {
    netboot: 'wipe',
    retryFrom: 'queued',
    on: { powered_off: 'booting', nothing_to_wipe: 'deleted' },
  },
  booting: { netboot: 'wipe', retryFrom: 'queued', on: { delete: 'delete' } },
  delete: { netboot: 'wipe', retryFrom: 'queued', on: { deleted: 'deleted' } },
  deleted: { netboot: 'local', retryFrom: 'deleted', on: {} },
});

/**
 * What start, stop, reboot and power cycle still have to do to a machine at rest. Each order ends with the power
 * being seen where it was to be; a restart is an `off` that was seen, then an `on`, so that it is never done twice.
 */
export const powerOrders = defineLifecycle({
  stopping: { on: { powered_off: 'done' } },
  stopping_hard: { on: { powered_off: 'done' } },
  rebooting: { on: { powered_off: 'starting' } },
  cycling: { on: { powered_off: 'starting' } },
  starting: { on: { powered_on: 'done' } },
  done: { on: {} },
});

/** States of an instance, which is what spawn makes and destroy ends. `stopped`: installed, and seen to be off. */
export const instanceLifecycle = defineLifecycle({
  building: {
    kind: 'work',
    on: { installed: 'active', failed: 'error', destroy: 'deleting', force_destroy: 'deleted' },
  },
  active: {
    kind: 'rest',
    on: {
      seen_off: 'stopped',
      rebuild: 'building',
      released: 'deleted',
      destroy: 'deleting',
      force_destroy: 'deleted',
    },
  },
  stopped: {
    kind: 'rest',
    on: {
      seen_on: 'active',
      rebuild: 'building',
      released: 'deleted',
      destroy: 'deleting',
      force_destroy: 'deleted',
    },
  },
  error: {
    kind: 'failed',
    on: { rebuild: 'building', destroy: 'deleting', force_destroy: 'deleted' },
  },
  deleting: { kind: 'work', on: { deleted: 'deleted', failed: 'error', force_destroy: 'deleted' } },
  deleted: { kind: 'rest', on: {} },
});

type Lifecycle = Record<string, { on: Record<string, string> }>;
/** The union of all event names that occur in a table. */
type EventOf<T> = { [S in keyof T]: T[S] extends { on: infer O } ? keyof O : never }[keyof T];

export type MachineState = keyof typeof machineLifecycle;
export type MachineEvent = EventOf<typeof machineLifecycle>;
export type InstallationStage = keyof typeof installationStages;
export type HandOverStage = keyof typeof handOverStages;
export type DeletionStage = keyof typeof deletionStages;
export type Stage = InstallationStage | HandOverStage | DeletionStage;
export type StageEvent =
  EventOf<typeof installationStages> | EventOf<typeof handOverStages> | EventOf<typeof deletionStages>;
export type InstanceState = keyof typeof instanceLifecycle;
export type InstanceEvent = EventOf<typeof instanceLifecycle>;
export type PowerOrder = Exclude<keyof typeof powerOrders, 'done'>;
export type PowerOrderEvent = EventOf<typeof powerOrders>;

export const machineStates = Object.keys(machineLifecycle) as MachineState[];
export const instanceStates = Object.keys(instanceLifecycle) as InstanceState[];
export const powerOrderNames = Object.keys(powerOrders).filter((name) => name !== 'done') as PowerOrder[];
export const stages = [
  ...new Set([
    ...Object.keys(installationStages),
    ...Object.keys(handOverStages),
    ...Object.keys(deletionStages),
  ]),
] as Stage[];

/** The states an installer may notify; `failed` says why in its message and ends the work. */
export const notifyStates = [
  'install',
  'install_reboot',
  'installed',
  'delete',
  'deleted',
  'failed',
] as const satisfies readonly (StageEvent | 'failed')[];
export type NotifyState = (typeof notifyStates)[number];

function next<T extends object>(table: T, from: keyof T, event: string): keyof T | undefined {
  return (table as unknown as Lifecycle)[from as string]?.on[event] as keyof T | undefined;
}

/** Where the event leads, or undefined when the state refuses it. */
export function nextMachineState(from: MachineState, event: MachineEvent): MachineState | undefined {
  return next(machineLifecycle, from, event);
}

export function nextInstanceState(from: InstanceState, event: InstanceEvent): InstanceState | undefined {
  return next(instanceLifecycle, from, event);
}

const instanceEvents: Partial<Record<MachineState, InstanceEvent>> = {
  installing: 'rebuild',
  install_failed: 'failed',
  active: 'installed',
  used: 'installed',
  deleting: 'destroy',
  delete_failed: 'failed',
  inactive: 'deleted',
};

/** What the instance on a machine learns when the machine has come to a state. One whose state does not know it stays as it is. */
export function instanceEventOf(event: MachineEvent, to: MachineState): InstanceEvent | undefined {
  return event === 'force_destroy' ? event : instanceEvents[to];
}

export function nextPowerOrder(from: PowerOrder, event: PowerOrderEvent): PowerOrder | 'done' | undefined {
  return next(powerOrders, from, event);
}

/** The event that ends a work which has failed: a hand-over that nobody took becomes an installation. */
export function failureEvent(state: MachineState): 'failed' | 'not_taken' {
  return nextMachineState(state, 'not_taken') ? 'not_taken' : 'failed';
}

const stageTables = {
  installing: installationStages,
  handing_over: handOverStages,
  deleting: deletionStages,
} as const satisfies Partial<Record<MachineState, object>>;

/** What a machine is given when it boots from the network: what installs or wipes it, its OS, or nothing but its disk. */
export type Netboot = 'installer' | 'wipe' | 'os' | 'local';

type StageRow = { netboot: Netboot; retryFrom: Stage; on: Record<string, Stage> };

/** The stages of the work of this state; undefined for a state whose work no installer drives. */
export function stagesOf(state: MachineState): Partial<Record<Stage, StageRow>> | undefined {
  return (stageTables as Partial<Record<MachineState, Partial<Record<Stage, StageRow>>>>)[state];
}

/** The stage that a work begins with; null for a work that has none, and for rest. */
export function firstStage(state: MachineState): Stage | null {
  return (Object.keys(stagesOf(state) ?? {})[0] as Stage | undefined) ?? null;
}

export function nextStage(state: MachineState, from: Stage, event: StageEvent): Stage | undefined {
  return stagesOf(state)?.[from]?.on[event];
}

/** The stages of a work from its first to its last, on the way that passes these; else on the usual way, which the tables name first. */
export function wayThrough(state: MachineState, passed: readonly Stage[]): Stage[] {
  const table = stagesOf(state) ?? {};
  const waysFrom = (stage: Stage): Stage[][] => {
    const next = Object.values(table[stage]?.on ?? {});
    return next.length === 0 ? [[stage]] : next.flatMap((to) => waysFrom(to).map((rest) => [stage, ...rest]));
  };
  const first = firstStage(state);
  const ways = first ? waysFrom(first) : [];
  return ways.find((way) => passed.every((stage) => way.includes(stage))) ?? ways[0] ?? [];
}

/** Where a new try begins after this stage has failed. */
export function retryStage(state: MachineState, failed: Stage | null): Stage | null {
  return (failed && stagesOf(state)?.[failed]?.retryFrom) ?? firstStage(state);
}

/** Whether this stage ends with a word. In any other, whatever still speaks belongs to a work before, and is about to be switched off. */
function awaitsWord(state: MachineState, stage: Stage): boolean {
  return Object.keys(stagesOf(state)?.[stage]?.on ?? {}).some((event) =>
    (notifyStates as readonly string[]).includes(event),
  );
}

/**
 * Whether an installer's word moves the stage on, repeats it (more progress, a lost answer sent again) or
 * comes out of order.
 */
export function readNotify(
  state: MachineState,
  stage: Stage,
  said: NotifyState,
): 'next' | 'repeat' | 'refused' {
  if (said === 'failed') return awaitsWord(state, stage) ? 'next' : 'refused';
  if (nextStage(state, stage, said)) return 'next';
  return stagesOf(state) && stage === said ? 'repeat' : 'refused';
}

/** At rest a machine that has an OS is given that, and any other nothing. */
export function netbootOf(state: MachineState, stage: Stage | null): Netboot {
  const atRest = state === 'active' || state === 'used' ? 'os' : 'local';
  return (stage && stagesOf(state)?.[stage]?.netboot) || atRest;
}

export function isWorking(state: MachineState): boolean {
  return machineLifecycle[state].kind === 'work';
}

/** The status word of the original BMM table. */
export function bmmStatus(state: MachineState): 'inactive' | 'processing' | 'active' | 'used' {
  if (state === 'inactive' || state === 'active' || state === 'used') return state;
  return 'processing';
}
