import type { Machine } from '#core';

/** How one look at a working machine ended. */
export type Outcome =
  /** It has moved on: look again. */
  | { kind: 'moved' }
  /**
   * Nothing to do until something is heard, or until the deadline. `lookAgainMs`: what is awaited says nothing by itself, so it is
   * looked after it that long from now.
   */
  | { kind: 'waiting'; awaits: string; deadlineMs: number; lookAgainMs?: number };

export type Waiting = Outcome & { kind: 'waiting' };

export const moved: Outcome = { kind: 'moved' };

/** What is done in one stage of a work: observe, then act. It may be cut off anywhere and is then run again. */
export type Step<O extends Outcome = Outcome> = (machine: Machine, signal: AbortSignal) => Promise<O>;
