import { rules } from '../rule.js';

/** How the work ended, or why it is not the work that was asked for. */
export const outcomes = rules(
  {
    id: 'aborted',
    weight: 'outcome',
    means: 'Somebody broke the work off. The machine is left as it stood, switched on or not.',
    check: ['Retry the work, rebuild or destroy the instance.'],
    find: ({ standing, error }) =>
      standing === 'failed' && error?.code === 'aborted'
        ? { says: error.message, evidence: [{ at: new Date(error.at), what: error.message }] }
        : undefined,
  },
  {
    id: 'given-up-by-force',
    weight: 'outcome',
    means:
      'The instance was given up without a wipe. The machine is kept back: its disks still have the data.',
    check: [
      'When the BMC answers again: retry, which wipes the machine and gives it back.',
      'When the machine is gone for good: remove it from the inventory.',
    ],
    find: ({ standing, error }) =>
      standing === 'failed' && error?.code === 'not-wiped'
        ? { says: error.message, missing: 'A wipe of its disks.' }
        : undefined,
  },
  {
    id: 'waiting-for-next-try',
    weight: 'outcome',
    means: 'A try failed for a reason that may pass. The next one begins by itself.',
    check: ['Nothing, if the reason is mended before the next try; abort to have it end now.'],
    find: ({ standing, machine, error }) =>
      standing === 'retrying'
        ? {
            says: `Try ${machine.attempt - 1} failed: ${error?.message ?? 'no reason was kept.'} Try ${machine.attempt} begins at ${machine.retryAt?.toISOString()}.`,
          }
        : undefined,
  },
  {
    id: 'hand-over-not-taken',
    weight: 'outcome',
    means:
      'The OS that waited in the pool did not take its new owner in time, so the machine is installed instead.',
    check: [
      'Nothing for this instance: the installation gives the same result, later.',
      'If it happens often: see whether the service of the OS that asks for its owner runs, and whether it reaches the controller.',
    ],
    find: ({ began }) =>
      began?.data.event === 'not_taken'
        ? {
            says: 'The OS in the pool did not take its new owner in time: the machine is installed instead.',
            evidence: [{ at: began.at, what: began.message }],
          }
        : undefined,
  },
);
