import type { TimelineEvent } from '#core';
import type { Evidence, Fact } from '../evidence.js';
import { type FailedStep, failedStepOf, imageEnds, imageSteps, wipeEnds } from '../installer-words.js';
import { type Found, rules } from '../rule.js';

/** Lines of the installer's log that are shown. */
const shownLines = 8;

/** The end of what the installer printed. */
function lastLines(events: readonly TimelineEvent[]): Fact[] {
  const pieces = events.filter(({ kind }) => kind === 'installer.log');
  const lines = pieces.flatMap(({ at, data }) =>
    String(data.text)
      .split('\n')
      .map((what) => ({ at, what: what.trim() }))
      .filter(({ what }) => what !== ''),
  );
  return lines.slice(-shownLines);
}

/** What an installer said of the step that it failed in. */
function failed(
  { events, error }: Evidence,
  isMeant: (failure: FailedStep) => boolean,
  next: string[] = [],
): Found | undefined {
  const failure = failedStepOf(error);
  if (!failure || !isMeant(failure)) return undefined;
  const { step, reason } = failure;
  return { says: `The step "${step}" failed: ${reason}`, next, evidence: lastLines(events) };
}

const ofImage =
  (end: keyof typeof imageEnds) =>
  ({ step, reason }: FailedStep) =>
    imageSteps.includes(step) && imageEnds[end].test(reason);

const notWiped = 'A wipe that was carried to its end and read back.';

function wipeFailed(evidence: Evidence, end: keyof typeof wipeEnds): Found | undefined {
  if (evidence.work !== 'deleting') return undefined;
  const found = failed(evidence, ({ reason }) => wipeEnds[end].test(reason));
  return found && { ...found, missing: notWiped };
}

export const installerFailures = rules(
  {
    id: 'checksum-wrong',
    weight: 'cause',
    means:
      'What the machine received is not the image that was imported, twice. Its disk was made unbootable.',
    check: [
      'Retry: when it is right then, bytes were damaged on the way; look at the memory and the network of the machine.',
      'When it is wrong again, and on other machines too: the file in the store of images is damaged. Import the image anew.',
    ],
    find: (evidence) => failed(evidence, ofImage('otherDigest')),
  },
  {
    id: 'image-broken-off',
    weight: 'cause',
    means: 'The download of the image ended before its end, several times.',
    check: [
      'See whether the controller was restarted or its host ran out of disk meanwhile.',
      'Look at the link of the machine: errors on the switch port, half duplex, a firewall that ends long connections.',
      'Retry.',
    ],
    find: (evidence) => failed(evidence, ofImage('brokenOff')),
  },
  {
    id: 'disk-write-failed',
    weight: 'cause',
    means: 'The image came, and the disk did not take it, or did not have it when it was read back.',
    check: [
      'Look at the health of the disk (SMART, RAID controller); replace it, or choose another by its hint.',
    ],
    find: (evidence) => failed(evidence, ofImage('notWritten')),
  },
  {
    id: 'disk-export-failed',
    weight: 'cause',
    means:
      'The machine could not export its disk (install method iscsi), or the controller could not write it.',
    check: [
      'See that the controller reaches port 3260 of the machine: no firewall, no NAT and no proxy between them.',
      'Choose the method image to see whether it is that: then the machine fetches the image itself.',
    ],
    find: (evidence) => failed(evidence, ({ step }) => step === 'export disk' || step === 'await image'),
  },
  {
    id: 'no-suitable-disk',
    weight: 'cause',
    means: 'No disk is large enough, or none (or more than one) matches the root device hint.',
    check: [
      'Compare the candidates that the message names with the root device hint of the machine and the sizes of its type.',
      'When there is no candidate at all: a RAID controller without a volume, or one that the live image has no driver for.',
    ],
    find: (evidence) => failed(evidence, ({ step }) => step === 'choose disk', hintOf(evidence)),
  },
  {
    id: 'boot-loader-failed',
    weight: 'cause',
    means: 'The image is on the disk, and GRUB could not be installed for it.',
    check: [
      'See that the image has GRUB for the boot mode of the machine (on Debian the packages grub-pc-bin for BIOS; grub-efi-amd64-bin for UEFI, with shim-signed and grub-efi-amd64-signed for Secure Boot) and a kernel in /boot.',
      'Read the last lines of the log: what grub-install says is there.',
    ],
    find: (evidence) => failed(evidence, ({ step }) => step === 'install boot loader'),
  },
  {
    id: 'secure-erase-impossible',
    weight: 'cause',
    means:
      'The type of the machine is wiped with `secure_erase`, and a disk cannot do that, or not now. It holds its data still; what says where it is was cleared.',
    check: [
      'Frozen by the firmware at power-on: suspend and resume the machine, or cut the power of the disk and give it back, then retry. Some firmware has a switch for it.',
      'A disk that knows neither NVMe format or sanitize nor ATA security erase (behind a RAID controller, virtual): set `dodai instance-types set TYPE --wipe-mode overwrite`, then retry.',
      'Locked with a password of somebody else: take it away with hdparm in the shell on the serial console, or replace the disk.',
    ],
    find: (evidence) => wipeFailed(evidence, 'noSecureErase'),
  },
  {
    id: 'disk-cannot-discard',
    weight: 'cause',
    means:
      'The type of the machine is wiped with `discard`, and a disk takes no discard, or took it and kept what it held.',
    check: [
      'Set `dodai instance-types set TYPE --wipe-mode secure_erase` (NVMe and most SATA disks) or `--wipe-mode overwrite` (any disk, slow), then retry.',
      'A RAID controller in between may keep discards from its disks: see whether it passes them on.',
    ],
    find: (evidence) => wipeFailed(evidence, 'noDiscard'),
  },
  {
    id: 'wipe-failed',
    weight: 'cause',
    means: 'The wipe ended before the end. The machine is kept back, and given to nobody.',
    check: [
      'Look at the disk that the message names; one that cannot be wiped is replaced.',
      'Retry wipes anew.',
    ],
    find: (evidence) =>
      evidence.work === 'deleting' && evidence.error?.code === 'installer-failed'
        ? {
            says: evidence.error.message,
            missing: notWiped,
            evidence: lastLines(evidence.events),
          }
        : undefined,
  },
  {
    id: 'operator-failed',
    weight: 'cause',
    means: 'The person who was called to install the machine could not, and says why.',
    check: ['Mend what they say; retry calls them again, with the machine switched off before.'],
    find: ({ error }) =>
      error?.code === 'operator-failed'
        ? { says: error.message, evidence: [{ at: new Date(error.at), what: error.message }] }
        : undefined,
  },
  {
    id: 'installer-failed',
    weight: 'cause',
    means: 'The installer itself says that it failed, for another reason.',
    check: [
      'Read its words and the last lines of its log; all of it is in `dodai events --machine`.',
      'A shell is open on the serial console of the machine while the live image runs.',
    ],
    find: ({ error, events }) =>
      error?.code === 'installer-failed' ? { says: error.message, evidence: lastLines(events) } : undefined,
  },
);

function hintOf({ machine: { rootDeviceHint, name } }: Evidence): string[] {
  return rootDeviceHint === null
    ? [`${name} has no root device hint: the smallest disk that fits is taken.`]
    : [`The root device hint of ${name} is ${JSON.stringify(rootDeviceHint)}.`];
}
