import type { MachineView } from '#contract';
import { age, bytes, duration, localTime } from './quantities.js';

type LastWipe = NonNullable<MachineView['lastWipe']>;
type WipedDisk = LastWipe['disks'][number];

/** When the disks were wiped last, and below it for each of them how, and what was read back. */
export function lastWipeText(wipe: LastWipe | null, now: Date): string | null {
  if (wipe === null) return null;
  const when = `${localTime(wipe.at)} (${age(wipe.at, now)}), after instance ${wipe.instanceId}`;
  const disks = wipe.disks.length > 0 ? wipe.disks.map(diskText) : ['nothing more was told'];
  return [when, ...disks].join('\n');
}

function diskText({ disk, model, serial, sizeBytes, command, seconds, readBack }: WipedDisk): string {
  const identity = [model, serial, bytes(sizeBytes)].filter((each) => each !== null).join(' ');
  return `${disk} (${identity}): ${command}, ${duration(seconds)}; ${readBackText(readBack)}`;
}

/** `17 places read back: zeros` */
function readBackText({ offsets, held, marked }: WipedDisk['readBack']): string {
  const all = [
    ['zeros', held.zeros],
    ['ones', held.ones],
    [marked ? 'nothing of what was there' : 'something else', held.other],
  ] as const;
  const kinds = all.filter(([, count]) => count > 0);
  const shown =
    kinds.length === 1 ? kinds[0]![0] : kinds.map(([kind, count]) => `${count} ${kind}`).join(', ');
  return `${offsets.length} places read back: ${shown}`;
}
