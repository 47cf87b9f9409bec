import type { MachineView } from '#contract';
import type { Palette } from './palette.js';
import { age } from './quantities.js';

/** The failure of the present attempt, over two lines when there is something to do about it. */
export function lastErrorText(error: MachineView['lastError'], palette: Palette, now: Date): string | null {
  if (error === null) return null;
  const what = `${palette.paint('bad', error.message)} (${error.code}, ${age(error.at, now)})`;
  return error.remedy ? `${what}\n${palette.paint('faint', 'What to do:')} ${error.remedy}` : what;
}

interface Failing {
  name: string;
  lastError: MachineView['lastError'];
}

/** What is below a list: why those that failed did. */
export function failureLines(failing: Failing[], palette: Palette): string[] {
  const lines = failing.flatMap(({ name, lastError }) => {
    if (!lastError) return [];
    const { message } = lastError;
    return [palette.paint('bad', message.startsWith(`${name}:`) ? message : `${name}: ${message}`)];
  });
  const hint = palette.paint('faint', 'What is missing, and what to check next: dodai why NAME');
  return lines.length > 0 ? ['', ...lines, hint] : [];
}
