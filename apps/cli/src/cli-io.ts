import type { Readable } from 'node:stream';
import type { Sleep } from './event-stream.js';

export interface TextOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Everything the command touches outside itself; given by main.ts, and by the tests. */
export interface CliIo {
  env: Record<string, string | undefined>;
  stdin: Readable & { isTTY?: boolean };
  stdout: TextOutput;
  stderr: TextOutput;
  now(): Date;
  sleep: Sleep;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}
