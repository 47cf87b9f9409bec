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
 * {@link bmmStatus}), `active` (in the resource pool with its OS ready), `used` (belongs to a cluster).
 */
export const machineLifecycle = defineLifecycle({
  enrolled: { kind: 'rest', on: { verify: 'verifying' } },
  verifying: { kind: 'work', on: { verified: 'inactive', failed: 'verify_failed' } },
  verify_failed: { kind: 'failed', on: { verify: 'verifying' } },

  inactive: { kind: 'rest', on: { spawn: 'installing', verify: 'verifying' } },
  installing: {
    kind: 'work',
    on: {
      installed_for_pool: 'active',
      installed_for_cluster: 'used',
      failed: 'install_failed',
      destroy: 'deleting',
    },
  },
  install_failed: { kind: 'failed', on: { destroy: 'deleting' } },

  active: { kind: 'rest', on: { destroy: 'deleting' } },
  used: { kind: 'rest', on: { destroy: 'deleting' } },

  deleting: { kind: 'work', on: { deleted: 'inactive', failed: 'delete_failed' } },
  delete_failed: { kind: 'failed', on: { destroy: 'deleting' } },
});

/**
 * Stages of an installation. `install`, `install_reboot` and `installed` are the words an installer notifies.
 * A machine is always seen off (`powered_off`) before it is switched on: after a crash in between, a machine that
 * is on was switched on by us, and nothing is done twice.
 * `netboot` is what the machine is given when it boots from the network in that stage: the flip to `local` at
 * `install` is the latch that keeps a later reset from installing a second time.
 */
export const installationStages = defineLifecycle({
  queued: { netboot: 'live', on: { powered_off: 'booting' } },
  booting: { netboot: 'live', on: { install: 'install' } },
  install: { netboot: 'local', on: { install_reboot: 'install_reboot' } },
  install_reboot: { netboot: 'local', on: { powered_off: 'booting_disk' } },
  booting_disk: { netboot: 'local', on: { installed: 'installed' } },
  installed: { netboot: 'local', on: {} },
});

/**
 * Stages of a deletion. The machine is given the wiping image until it has said `deleted`: a restart in the
 * middle of a wipe wipes again, and never starts the old OS.
 */
export const deletionStages = defineLifecycle({
  queued: { netboot: 'live', on: { powered_off: 'booting' } },
  booting: { netboot: 'live', on: { delete: 'delete' } },
  delete: { netboot: 'live', on: { deleted: 'deleted' } },
  deleted: { netboot: 'local', on: {} },
});

/** States of an instance, which is what spawn makes and destroy ends. */
export const instanceLifecycle = defineLifecycle({
  building: { kind: 'work', on: { installed: 'active', failed: 'error', destroy: 'deleting' } },
  active: { kind: 'rest', on: { destroy: 'deleting' } },
  error: { kind: 'failed', on: { destroy: 'deleting' } },
  deleting: { kind: 'work', on: { deleted: 'deleted', failed: 'error' } },
  deleted: { kind: 'rest', on: {} },
});

type Lifecycle = Record<string, { on: Record<string, string> }>;
/** The union of all event names that occur in a table. */
type EventOf<T> = { [S in keyof T]: T[S] extends { on: infer O } ? keyof O : never }[keyof T];

export type MachineState = keyof typeof machineLifecycle;
export type MachineEvent = EventOf<typeof machineLifecycle>;
export type InstallationStage = keyof typeof installationStages;
export type DeletionStage = keyof typeof deletionStages;
export type Stage = InstallationStage | DeletionStage;
export type StageEvent = EventOf<typeof installationStages> | EventOf<typeof deletionStages>;
export type InstanceState = keyof typeof instanceLifecycle;
export type InstanceEvent = EventOf<typeof instanceLifecycle>;

export const machineStates = Object.keys(machineLifecycle) as MachineState[];
export const instanceStates = Object.keys(instanceLifecycle) as InstanceState[];
export const stages = [
  ...new Set([...Object.keys(installationStages), ...Object.keys(deletionStages)]),
] as Stage[];

/** Events a person or an orchestrator asks for; all others are facts that the engine or a machine reports. */
export const verbs = ['verify', 'spawn', 'destroy'] as const satisfies readonly MachineEvent[];
export type Verb = (typeof verbs)[number];

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

/** The stages of the work of this state; undefined for a state whose work no installer drives. */
export function stagesOf(state: MachineState) {
  if (state === 'installing') return installationStages;
  if (state === 'deleting') return deletionStages;
  return undefined;
}

export function nextStage(state: MachineState, from: Stage, event: StageEvent): Stage | undefined {
  const table = stagesOf(state);
  return table && (next(table as Lifecycle, from, event) as Stage | undefined);
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
  if (said === 'failed') return stagesOf(state) ? 'next' : 'refused';
  if (nextStage(state, stage, said)) return 'next';
  return stagesOf(state) && stage === said ? 'repeat' : 'refused';
}

/** What a machine is given when it boots from the network. Only two stages of work ever boot the live image. */
export function netbootOf(state: MachineState, stage: Stage | null): 'live' | 'local' {
  const table = stagesOf(state) as Record<string, { netboot: 'live' | 'local' }> | undefined;
  return (stage && table?.[stage]?.netboot) || 'local';
}

export function isWorking(state: MachineState): boolean {
  return machineLifecycle[state].kind === 'work';
}

export function allowedVerbs(state: MachineState): Verb[] {
  return verbs.filter((verb) => nextMachineState(state, verb) !== undefined);
}

/** The status word of the original BMM table. */
export function bmmStatus(state: MachineState): 'inactive' | 'processing' | 'active' | 'used' {
  if (state === 'inactive' || state === 'active' || state === 'used') return state;
  return 'processing';
}
