import { lockedVerbs, machineStates, type Verb, verbRefusal, verbs } from '#core';

const meanings: Record<Verb, string> = {
  verify: 'checks the BMC',
  spawn: 'installs it for a new owner; one that waits in the pool is handed over',
  adopt: 'takes it into service with what runs on it; nothing is done to it',
  destroy: 'wipes it and gives it back',
  force_destroy: 'gives its instance up at once, whatever the BMC does; unwiped, so nobody gets it',
  rebuild: 'installs its instance anew, from its own image or another',
  retry: 'tries the failed work again, from the stage that failed',
  abort: 'ends the work under way, which has then failed',
  manual_done: 'says that the person who was called has installed it: it is started anew, and checked',
  manual_failed: 'says that they could not, and why; the installation has then failed',
  start: 'switches it on',
  stop: 'shuts its OS down, and cuts the power when it does not obey; or at once (`hard`)',
  reboot: 'shuts its OS down, sees it off, switches it on',
  power_cycle: 'cuts the power, sees it off, switches it on',
  enter_maintenance: 'gives it to no new owner',
  leave_maintenance: 'ends that',
  lock: 'keeps every verb from it that ends or interrupts what runs on it',
  unlock: 'ends that',
};

/** The states of a machine in which a verb is taken, when nobody has put a mark on it. */
function statesOf(verb: Verb): string {
  if (verb === 'leave_maintenance') return 'in maintenance';
  if (verb === 'unlock') return 'locked';
  if (verb === 'manual_done' || verb === 'manual_failed') return '`installing`, stage `operator`';
  const taken = machineStates.filter(
    (state) => verbRefusal(verb, { state, stage: null, maintenance: null, locked: null }) === undefined,
  );
  return taken.length === machineStates.length ? 'any' : taken.map((state) => `\`${state}\``).join(', ');
}

/** What may be asked of a machine or its instance, when, and whether a lock keeps it away. */
export const verbTable = {
  head: ['verb', 'what it does', 'states of the machine', 'locked'],
  rows: verbs.map((verb) => [
    `\`${verb}\``,
    meanings[verb],
    statesOf(verb),
    lockedVerbs.has(verb) ? 'refused' : '',
  ]),
};
