/** How a program is run. */
export interface RunOptions {
  /** The whole environment of the program, besides PATH, which is this process's own. */
  env?: Record<string, string>;
  input?: string;
  /** After this the program and all it started are ended. */
  timeoutMs: number;
  cwd?: string;
  /** Told of what it prints to standard output while it does. */
  onStdout?: (text: string) => void;
  /** Ends the program like the timeout does; `run` then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How a program ended. A failed program is a result, not an exception: the caller knows what it means. */
export interface RunResult {
  /** null when a signal ended it. */
  exitCode: number | null;
  signal?: string;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  durationMs: number;
}

/** The only way in which the product runs other programs. */
export abstract class ProcessRunner {
  /**
   * Runs one program to its end, without a shell.
   * Throws DomainError `program-missing` or `program-not-started` when it could not be started.
   */
  abstract run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult>;
}
