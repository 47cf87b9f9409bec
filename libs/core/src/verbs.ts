import {
  type InstanceState,
  type MachineEvent,
  machineLifecycle,
  type MachineState,
  nextMachineState,
  type PowerOrder,
  type Stage,
} from './lifecycle.js';

/** What a person or an orchestrator may ask. Those that are events of the life cycle move the machine in it. */
export const verbs = [
  'verify',
  'spawn',
  'adopt',
  'destroy',
  'force_destroy',
  'rebuild',
  'retry',
  'abort',
  'manual_done',
  'manual_failed',
  'start',
  'stop',
  'reboot',
  'power_cycle',
  'enter_maintenance',
  'leave_maintenance',
  'lock',
  'unlock',
] as const;
export type Verb = (typeof verbs)[number];

/** Verbs that are orders to the power of a machine at rest, and what each one begins with. */
export const powerVerbOrders = {
  start: 'starting',
  stop: 'stopping',
  reboot: 'rebooting',
  power_cycle: 'cycling',
} as const satisfies Partial<Record<Verb, PowerOrder>>;
export type PowerOrderVerb = keyof typeof powerVerbOrders;

/** What may be asked of an instance; it is done to its machine. */
export const instanceVerbs = [
  'destroy',
  'force_destroy',
  'rebuild',
  'retry',
  'abort',
  'manual_done',
  'manual_failed',
  'start',
  'stop',
  'reboot',
  'power_cycle',
  'lock',
  'unlock',
] as const satisfies readonly Verb[];
export type InstanceVerb = (typeof instanceVerbs)[number];

/** What a lock keeps from a machine: everything that ends or interrupts what runs on it, or gives it away. */
export const lockedVerbs: ReadonlySet<Verb> = new Set<Verb>([
  'spawn',
  'adopt',
  'destroy',
  'force_destroy',
  'rebuild',
  'abort',
  'stop',
  'reboot',
  'power_cycle',
]);

/** What maintenance keeps from a machine: a new owner. */
const maintainedVerbs: ReadonlySet<Verb> = new Set<Verb>(['spawn', 'adopt']);

/** What decides which verbs a machine takes. */
export interface Standing {
  state: MachineState;
  stage: Stage | null;
  maintenance: object | null;
  locked: object | null;
}

function isPowerVerb(verb: Verb): verb is PowerOrderVerb {
  return verb in powerVerbOrders;
}

function isPossible(verb: Verb, standing: Standing): boolean {
  const { state, maintenance, locked } = standing;
  if (verb === 'enter_maintenance') return maintenance === null;
  if (verb === 'leave_maintenance') return maintenance !== null;
  if (verb === 'lock') return locked === null;
  if (verb === 'unlock') return locked !== null;
  if (verb === 'manual_done' || verb === 'manual_failed') return isAtOperator(standing);
  if (isPowerVerb(verb)) return hasOwnPower(state);
  return nextMachineState(state, verb satisfies MachineEvent) !== undefined;
}

/** Whether a person was called to the machine, who says when it is done. Its bare power is theirs meanwhile. */
export function isAtOperator({ state, stage }: Pick<Standing, 'state' | 'stage'>): boolean {
  return state === 'installing' && stage === 'operator';
}

/** Whether the power of a machine in this state is its owner's: an OS is on it, and no work is under way. */
export function hasOwnPower(state: MachineState): boolean {
  return machineLifecycle[state].kind === 'rest' && nextMachineState(state, 'destroy') !== undefined;
}

/** Why this verb is not taken now; undefined: it is taken. */
export function verbRefusal(verb: Verb, standing: Standing): 'state' | 'locked' | 'maintenance' | undefined {
  if (!isPossible(verb, standing)) return 'state';
  if (standing.locked !== null && lockedVerbs.has(verb)) return 'locked';
  if (standing.maintenance !== null && maintainedVerbs.has(verb)) return 'maintenance';
  return undefined;
}

export function allowedVerbs(standing: Standing): Verb[] {
  return verbs.filter((verb) => verbRefusal(verb, standing) === undefined);
}

/** What may be asked of an instance in this state on this machine; none of one that is gone. */
export function allowedInstanceVerbs(state: InstanceState, machine: Standing | null): InstanceVerb[] {
  if (state === 'deleted' || !machine) return [];
  return instanceVerbs.filter((verb) => verbRefusal(verb, machine) === undefined);
}
