import type { StreamingProcess } from '#platform';
import { damaged } from './packing.js';

/** A program that the bytes pass through, with its name for the errors. */
export interface Stage extends StreamingProcess {
  program: string;
}

/** Ends all legs of a work when one of them fails, or when the caller wants it ended. */
export class JointWork {
  private readonly stop = new AbortController();
  readonly signal: AbortSignal;
  private failure: unknown;
  private isCutShort = false;

  constructor(caller: AbortSignal | undefined) {
    this.signal = caller ? AbortSignal.any([this.stop.signal, caller]) : this.stop.signal;
  }

  /**
   * Waits for all legs of the work and for the programs they pass through; the first failure stops the others.
   * A broken pipe is not the failure but its echo: the program says itself why it ended. When none has a reason,
   * one has stopped reading before the end: more follows than the packed data.
   */
  async done(stages: readonly Stage[], legs: readonly Promise<void>[]): Promise<void> {
    const ended = stages.map(async ({ program, ended }) => {
      const { exitCode, stderr } = await ended;
      if (exitCode !== 0 && !this.signal.aborted) throw damaged(stderr || endOf(program, exitCode));
    });
    await Promise.all([...ended, ...legs].map((part) => part.catch(this.fail)));
    if (this.failure !== undefined) throw this.failure as Error;
    if (this.isCutShort) throw damaged('there is more after the end of the compressed data');
  }

  private readonly fail = (error: NodeJS.ErrnoException): void => {
    if (isEcho(error)) {
      this.isCutShort = true;
      return;
    }
    this.failure ??= named(error);
    this.stop.abort();
  };
}

function isEcho({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** What zlib throws at bad gzip data has a code that begins with Z_. */
function named(error: NodeJS.ErrnoException): unknown {
  return error.code?.startsWith('Z_') ? damaged(error.message) : error;
}

function endOf(program: string, exitCode: number | null): string {
  return exitCode === null ? `${program} was killed` : `${program} ended with exit code ${exitCode}`;
}
