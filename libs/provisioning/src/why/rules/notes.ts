import type { TimelineEvent } from '#core';
import { type Evidence, factsOf } from '../evidence.js';
import { rules } from '../rule.js';
import { addressesOf, bootModeDiffers, lastSignOfLife } from '../signs.js';

/** What firmware, loaders and kernels print when they give up. */
const lastWords =
  /kernel panic|not syncing|no bootable device|no boot device|boot failed|PXE-[EM]\d+|operating system not found|error: .*(no such|unknown filesystem)|grub rescue>|unable to mount root|out of memory|media (test|check) failure|security violation|bad shim signature/i;

function consoleLines(events: readonly TimelineEvent[]) {
  return events
    .filter(({ kind }) => kind === 'console.output')
    .flatMap(({ at, message, data }) =>
      (typeof data.text === 'string' ? data.text : message)
        .split('\n')
        .map((what) => ({ at, what: what.trim().slice(0, 200) })),
    );
}

/** A soft-off that the BMC took, and a hard off after it. */
function wasIgnored({ events }: Evidence): TimelineEvent[] {
  const taken = (event: TimelineEvent, verb: string) =>
    event.kind === 'bmc.command' && event.data.verb === verb && event.data.result === 'ok';
  const soft = events.findLastIndex((event) => taken(event, 'softOff'));
  if (soft < 0) return [];
  const hard = events.slice(soft).find((event) => taken(event, 'off'));
  return hard ? events.filter((event) => event === hard || event === events[soft]) : [];
}

/** Worth knowing besides. */
export const notes = rules(
  {
    id: 'boot-mode-differs',
    weight: 'note',
    means:
      'The firmware of the machine asks in another boot mode than its record has, or in one that there is no loader for.',
    check: [
      'Set the firmware to the boot mode of the record, or the record to what the firmware is (`dodai machines set … --boot-mode`).',
      'A machine with both modes on may try one after the other: leave only one on.',
    ],
    find: ({ events }) => {
      const seen = events.filter(({ kind }) => kind === bootModeDiffers);
      const last = seen.at(-1);
      return last && { says: `${last.message}.`, evidence: factsOf(seen) };
    },
  },
  {
    id: 'console-error',
    weight: 'note',
    means: 'The serial console shows words with which firmware, loaders or kernels give up.',
    check: ['Read the console around these words: `dodai events --machine`.'],
    find: ({ events }) => {
      const lines = consoleLines(events).filter(({ what }) => lastWords.test(what));
      const last = lines.at(-1);
      return last && { says: `Its serial console says: ${last.what}`, evidence: lines.slice(-4) };
    },
  },
  {
    id: 'heard-since',
    weight: 'note',
    means:
      'The machine was heard of after the work had failed: it is slower than the deadline, or was started by hand.',
    check: ['Retry. When it happens again, raise the deadline of this stage (README, configuration).'],
    find: (evidence) => {
      const { afterwards, standing } = evidence;
      const sign = standing === 'failed' ? lastSignOfLife({ ...evidence, events: afterwards }) : undefined;
      return (
        sign && {
          says: `After the failure it was heard of: ${sign.message}`,
          evidence: factsOf(afterwards, 4),
        }
      );
    },
  },
  {
    id: 'notify-refused',
    weight: 'note',
    means: 'A word of an installer or an OS was refused: it had another token, or was out of order.',
    check: [
      'From the address of the machine: what runs there belongs to another instance, or to a try before this one; destroy or retry.',
      'From another address: something else speaks; find out what it is.',
    ],
    find: ({ events, machine }) => {
      const refusals = events.filter(({ kind }) => kind === 'notify.refused');
      const last = refusals.at(-1);
      if (!last) return undefined;
      const isOwn = addressesOf(machine, events).has(String(last.data.client));
      const whose = isOwn
        ? 'It came from the machine itself.'
        : 'It did not come from an address of the machine that is known.';
      return { says: `A word was refused: ${last.message} ${whose}`, evidence: factsOf(refusals, 4) };
    },
  },
  {
    id: 'soft-off-ignored',
    weight: 'note',
    means: 'What ran on the machine did not switch itself off when it was asked, so the power was cut.',
    check: [
      'An OS needs ACPI (acpid or systemd-logind) to obey; a hung one obeys nothing.',
      'When it is the live image that does not obey: see its serial console.',
    ],
    find: (evidence) => {
      const commands = wasIgnored(evidence);
      return commands.length > 0
        ? {
            says: 'It was asked to switch itself off and did not: its power was cut.',
            evidence: factsOf(commands),
          }
        : undefined;
    },
  },
  {
    id: 'earlier-try',
    weight: 'note',
    means: 'This is not the first try of the work.',
    check: ['A try that fails like the one before it needs somebody to look.'],
    find: ({ events, standing }) => {
      const retries = events.filter(({ kind }) => kind === 'stage.retried');
      const last = retries.at(-1);
      return last && standing !== 'retrying'
        ? { says: `An earlier try failed: ${last.message}`, evidence: factsOf(retries, 4) }
        : undefined;
    },
  },
  {
    id: 'power-drift',
    weight: 'note',
    means:
      'The power changed and nobody had ordered it here: a person at the machine, its OS, or a power failure.',
    check: ['Ask who switched it; look at the event log of the BMC. The record follows the hardware.'],
    find: ({ events, standing }) => {
      const last = events.findLast(({ kind }) => kind === 'power.drift');
      return standing === 'resting' && last
        ? { says: last.message, evidence: [{ at: last.at, what: last.message }] }
        : undefined;
    },
  },
  {
    id: 'in-maintenance',
    weight: 'note',
    means: 'Somebody put the machine into maintenance: it is given to no new owner.',
    check: ['End the maintenance when the reason is gone.'],
    find: ({ machine: { maintenance } }) =>
      maintenance
        ? {
            says: `In maintenance, by ${maintenance.by}: ${maintenance.reason}`,
            evidence: [{ at: new Date(maintenance.at), what: 'maintenance began' }],
          }
        : undefined,
  },
  {
    id: 'locked',
    weight: 'note',
    means: 'Somebody locked the machine: it takes no verb that ends or interrupts what runs on it.',
    check: ['Unlock it when the reason is gone.'],
    find: ({ machine: { locked } }) =>
      locked
        ? {
            says: `Locked, by ${locked.by}: ${locked.reason}`,
            evidence: [{ at: new Date(locked.at), what: 'locked' }],
          }
        : undefined,
  },
);
