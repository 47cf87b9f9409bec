import type { BmcAddress } from './power-driver.js';

export interface ConsoleOptions {
  /** Ends the session, and with it the text. */
  signal: AbortSignal;
  /** A session that holds the console is one that we left behind: it is ended first. */
  takeOver?: boolean;
}

/** Listens to the serial consoles of machines. Nothing is ever typed on them. */
export abstract class ConsoleSource {
  /**
   * Resolves when the console is open, with its text as it comes, free of what only a terminal understands. The text ends when the
   * signal is aborted. Throws DomainError, then or while the text is read: `console-taken` when another session holds the console,
   * `console-lost` when the session broke off, `bmc-…` otherwise.
   */
  abstract open(bmc: BmcAddress, options: ConsoleOptions): Promise<AsyncIterable<string>>;
}
