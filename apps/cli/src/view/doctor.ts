import type { DoctorView } from '#contract';
import type { DoctorVerdict } from '#core';
import type { Palette, Tone } from './palette.js';
import { age } from './quantities.js';
import { columns } from './table.js';

const tones: Record<DoctorVerdict, Tone> = { ok: 'good', differs: 'bad', unknown: 'faint' };

export function doctorText({ at, checks }: DoctorView, palette: Palette, now: Date): string {
  if (at === null)
    return 'Its OS has not said anything yet: it does when it first comes up, if dodai installed it.\n';
  const table = columns(
    ['FIELD', 'ASKED', 'FOUND', ''].map((heading) => palette.paint('strong', heading)),
    checks.map(({ field, asked, found, verdict }) => [
      field,
      asked,
      found,
      palette.paint(tones[verdict], verdict),
    ]),
  );
  return `${table}\nAs its OS told ${age(at, now)}.\n`;
}
