import { createLogUpdate } from 'log-update';
import type { TextOutput } from '../cli-io.js';

export interface LiveRegion {
  /** Replaces what was shown before. */
  show(text: string): void;
  /** Leaves the last picture standing. */
  keep(): void;
  /** Takes the picture away. */
  clear(): void;
}

/** A few lines at the bottom of a terminal that are painted over and over. */
export function liveRegion(terminal: TextOutput): LiveRegion {
  // The library asks for a whole stream and uses write(), columns and rows.
  const update = createLogUpdate(terminal as NodeJS.WriteStream);
  return { show: (text) => update(text), keep: () => update.done(), clear: () => update.clear() };
}
