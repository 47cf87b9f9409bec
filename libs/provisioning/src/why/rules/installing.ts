import type { TimelineEvent } from '#core';
import { type Evidence, factsOf, isAwaited } from '../evidence.js';
import { type Found, rules } from '../rule.js';
import * as signs from '../signs.js';

/** An installer that works says something at least every other second; so long a silence is worth a word. */
export const quietMs = 15_000;

/** Whether the live image has said that it begins, and its end is what is awaited. */
function isUnderWay(evidence: Evidence): boolean {
  return (evidence.stage === 'install' || evidence.stage === 'delete') && isAwaited(evidence);
}

function lastWord({ events }: Evidence): TimelineEvent | undefined {
  return events.findLast(signs.isWord);
}

function isQuiet(evidence: Evidence): boolean {
  const { standing, now, stageSince } = evidence;
  const last = lastWord(evidence)?.at ?? stageSince;
  return standing !== 'working' || now.getTime() - last.getTime() > quietMs;
}

/** The image transfer that began and has not ended. */
function openTransfer({ inStage }: Evidence): TimelineEvent | undefined {
  const started = inStage.findLastIndex(signs.isImageStarted);
  return inStage.slice(started + 1).some(signs.isImageEnded) ? undefined : inStage[started];
}

/** What was asked before the stage began may be written down after that. */
function askedWhatToBoot({ inStage, stageSince }: Evidence): boolean {
  return inStage.some((event) => signs.isConfiguration(event) && event.at > stageSince);
}

const wordOf = ({ work }: Evidence) => (work === 'deleting' ? 'deleted' : 'install_reboot');

function found(evidence: Evidence, told: Found): Found {
  const last = lastWord(evidence);
  const shown = evidence.inStage.filter(
    (event) => event === last || /^(tftp|http)\./.test(event.kind) || signs.isWord(event),
  );
  return { ...told, evidence: factsOf(shown) };
}

/** From the first word of the installer, or of the wipe, to its last. */
export const installing = rules(
  {
    id: 'restarted-while-installing',
    weight: 'cause',
    means:
      'The machine started anew in the middle of its installation. It is given its disk, which is half-written, and not the installer again.',
    check: [
      'Look for the reason of the restart: power, heat, a watchdog, a kernel panic on the serial console.',
      'Retry installs from the beginning.',
    ],
    find: (evidence) =>
      evidence.stage === 'install' && isUnderWay(evidence) && askedWhatToBoot(evidence)
        ? found(evidence, {
            says: 'The machine asked the network what to boot in the middle of its installation: it was started anew.',
            missing: 'The rest of the installation: the disk is half-written.',
          })
        : undefined,
  },
  {
    id: 'image-stalled',
    weight: 'cause',
    means: 'The machine began to fetch the image, the transfer has not ended, and nothing more was said.',
    check: [
      'Look at the link of the machine and of the controller: errors, a full uplink, many machines at once.',
      'See whether the machine still runs: its serial console, its power. A machine that lost its power leaves the transfer open.',
    ],
    find: (evidence) => {
      const open = openTransfer(evidence);
      return isUnderWay(evidence) && isQuiet(evidence) && open
        ? found(evidence, {
            says: 'The machine began to fetch the image, and the transfer stands still.',
            missing: 'The rest of the image.',
          })
        : undefined;
    },
  },
  {
    id: 'installer-silent',
    weight: 'cause',
    means: 'The installer, or the wipe, began and then said nothing more.',
    check: [
      'Look at the serial console: the installer prints what it does, and a kernel that stopped says why.',
      'See whether the machine still has power.',
      'A disk that does not answer makes a step hang: look at its health.',
    ],
    find: (evidence) =>
      isUnderWay(evidence) && isQuiet(evidence)
        ? found(evidence, {
            says: `The ${evidence.work === 'deleting' ? 'wipe' : 'installer'} began and has gone quiet; the last it said: ${lastWord(evidence)?.message ?? 'nothing'}.`,
            missing: `The word ${wordOf(evidence)}.`,
          })
        : undefined,
  },
  {
    id: 'installer-at-work',
    weight: 'standing',
    means: 'The installer, or the wipe, is at work and says so. Nothing is wrong.',
    check: ['Nothing: `dodai watch` shows its progress.'],
    find: (evidence) =>
      isUnderWay(evidence) && evidence.standing === 'working'
        ? found(evidence, {
            says: `The ${evidence.work === 'deleting' ? 'wipe' : 'installer'} is at work${evidence.machine.progressMessage === null ? '' : `: ${evidence.machine.progressMessage}`}.`,
            missing: `The word ${wordOf(evidence)}.`,
          })
        : undefined,
  },
);
