import type { MachineView } from '#contract';
import type { Palette } from './palette.js';
import { age } from './quantities.js';

/** The failure of the present attempt, over two lines when there is something to do about it. */
export function lastErrorText(error: MachineView['lastError'], palette: Palette, now: Date): string | null {
  if (error === null) return null;
  const what = `${palette.paint('bad', error.message)} (${error.code}, ${age(error.at, now)})`;
  return error.remedy ? `${what}\n${palette.paint('faint', 'What to do:')} ${error.remedy}` : what;
}
