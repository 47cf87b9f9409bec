import type { MachineState } from '#core';
import { type Evidence, factsOf, isAwaited } from '../evidence.js';
import { type Found, rules } from '../rule.js';

const commands = ({ events }: Evidence) =>
  factsOf(
    events.filter(({ kind }) => kind === 'bmc.command'),
    4,
  );

/** What resting in a state means, when its power and its BMC give no reason for a word of their own. */
function atRest({ machine, standing }: Evidence, state: MachineState, says: string): Found | undefined {
  return standing === 'resting' && machine.state === state
    ? { says: `${says} Nothing is awaited.` }
    : undefined;
}

/** Nothing is wrong, or no cause is known: what is going on, and what a machine rests in. */
export const standing = rules(
  {
    id: 'owner-not-taken-yet',
    weight: 'standing',
    means: 'The new owner is offered to the OS that waits in the pool, which has not taken it yet.',
    check: [
      'Nothing at first: when the time is up the machine is installed instead.',
      'See whether the OS is up, and whether its service that asks for an owner reaches the controller.',
    ],
    find: ({ work, stage }) =>
      work === 'handing_over' && stage === 'offered'
        ? {
            says: 'The new owner is offered to the OS in the pool, which has not taken it yet.',
            missing: 'The word installed, from the OS that runs.',
          }
        : undefined,
  },
  {
    id: 'person-called',
    weight: 'standing',
    means:
      'A person was called to install the machine, and has said neither that it is done nor that it failed.',
    check: [
      'See the instructions with `dodai instances show`; then say `dodai instances done` or `dodai instances failed`.',
      'When nobody came: see whether the webhook was told (DODAI_OPERATOR_WEBHOOK_URL), which is among the events.',
    ],
    find: (evidence) =>
      evidence.stage === 'operator' && isAwaited(evidence)
        ? {
            says: 'A person was called to install the machine, and has not said how it went.',
            missing: 'Their word that it is done, or that it failed.',
            evidence: factsOf(evidence.inStage.filter(({ kind }) => kind.startsWith('operator.'))),
          }
        : undefined,
  },
  {
    id: 'power-order-in-hand',
    weight: 'standing',
    means: 'A start, stop, reboot or power cycle is being carried out.',
    check: [
      'Nothing at first: an OS that does not obey a stop is switched off hard after DODAI_DEADLINE_SOFT_OFF_S.',
    ],
    find: (evidence) => {
      const { powerOrder } = evidence.machine;
      if (powerOrder === null) return undefined;
      const wanted = powerOrder === 'starting' ? 'on' : 'off';
      return {
        says: `The order ${powerOrder} is being carried out.`,
        missing: `That the BMC says ${wanted}.`,
        evidence: commands(evidence),
      };
    },
  },
  {
    id: 'bmc-at-work',
    weight: 'standing',
    means: 'The controller is asking the BMC something, or waits for the power to follow.',
    check: ['Nothing at first: what the BMC is sent, and answers, is among the events.'],
    find: (evidence) =>
      evidence.standing === 'working' && evidence.machine.awaits === null
        ? {
            says:
              evidence.work === 'verifying'
                ? 'The BMC is being checked.'
                : 'The machine is being switched off or on by its BMC.',
            missing: 'The answer of the BMC.',
            evidence: commands(evidence),
          }
        : undefined,
  },
  {
    id: 'not-checked',
    weight: 'standing',
    means: 'The machine is enrolled, and its BMC was never tried.',
    check: ['`dodai machines verify`.'],
    find: (evidence) => atRest(evidence, 'enrolled', 'It is enrolled, and its BMC was not tried yet.'),
  },
  {
    id: 'free',
    weight: 'standing',
    means: 'The machine is wiped, free, and can be spawned on.',
    check: ['Nothing.'],
    find: (evidence) => atRest(evidence, 'inactive', 'It is free.'),
  },
  {
    id: 'stopped',
    weight: 'standing',
    means: 'An OS is installed, and the machine is off.',
    check: ['Start it when it is to run.'],
    find: ({ standing: how, instance, machine }) =>
      how === 'resting' && instance?.state === 'stopped'
        ? { says: `${instance.hostName} is installed and stopped: ${machine.name} is ${machine.power}.` }
        : undefined,
  },
  {
    id: 'in-pool',
    weight: 'standing',
    means: 'An OS is installed, and the machine is in the resource pool.',
    check: ['Nothing.'],
    find: (evidence) =>
      atRest(
        evidence,
        'active',
        evidence.instance?.pooled
          ? 'It is installed and waits in the pool for an owner.'
          : 'It is installed, up, and in the resource pool.',
      ),
  },
  {
    id: 'in-use',
    weight: 'standing',
    means: 'An OS is installed, and the machine belongs to a cluster.',
    check: ['Nothing.'],
    find: (evidence) =>
      atRest(
        evidence,
        'used',
        `It is in use${evidence.instance?.cluster ? ` in the cluster ${evidence.instance.cluster}` : ''}.`,
      ),
  },
  {
    id: 'unexplained',
    weight: 'standing',
    means: 'None of the other rules fits.',
    check: ['Read its events: `dodai events --machine`. For a fault of the controller itself, its log.'],
    find: ({ error, machine, events }) => ({
      says: error?.message ?? `${machine.name} is ${machine.state}.`,
      evidence: factsOf(events),
    }),
  },
);
