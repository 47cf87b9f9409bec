import type { EventView } from '#contract';
import type { Palette, Tone } from './palette.js';
import { localTime } from './quantities.js';

function toneOf({ kind, data }: EventView): Tone {
  if (typeof data.to === 'string' && data.to.endsWith('_failed')) return 'bad';
  if (/(failed|refused|error|expired)$/.test(kind)) return 'bad';
  if (/(retried|drift)$/.test(kind)) return 'busy';
  return kind.startsWith('state.') ? 'strong' : 'plain';
}

/** One line of the timeline. */
export function eventLine(event: EventView, palette: Palette, machine: string): string {
  return [
    palette.paint('faint', localTime(event.at)),
    machine.padEnd(10),
    palette.paint(toneOf(event), event.kind.padEnd(18)),
    event.message,
  ].join('  ');
}
