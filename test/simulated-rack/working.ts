import { ScriptFailure, type Session } from './session.js';
import type { Words } from './words.js';

/** Says a word without which nothing goes on. Throws ScriptFailure when it is not taken. */
export async function mustSay(words: Words, word: Parameters<Words['say']>[0]): Promise<void> {
  if (!(await words.say(word))) throw new ScriptFailure(`the controller did not take ${word.state}`);
}

/** Progress and log, over the time that the work takes. */
export async function report(
  session: Session,
  words: Words,
  state: 'install' | 'delete',
  what: string,
): Promise<void> {
  const { progressReports, logPieces, workMs } = session.machine.behaviour;
  const progressAtMs =
    progressReports === 'as scripts' ? reporterTicksMs(workMs) : evenly(progressReports, workMs);
  const reports = [
    ...evenly(logPieces, workMs).map((atMs, index) => ({ atMs, piece: index + 1 })),
    ...progressAtMs.map((atMs) => ({ atMs, piece: 0 })),
  ].sort((a, b) => a.atMs - b.atMs || b.piece - a.piece);
  let passedMs = 0;
  for (const { atMs, piece } of [...reports, { atMs: workMs, piece: undefined }]) {
    await session.sleep(atMs - passedMs);
    passedMs = atMs;
    if (piece) await words.log(`== ${what}: piece ${piece} of the log\n`);
    else if (piece === 0)
      await words.progress(state, workMs > 0 ? Math.round((90 * atMs) / workMs) : 90, what);
  }
}

function evenly(count: number, overMs: number): number[] {
  return Array.from({ length: count }, (_, index) => ((index + 1) * overMs) / count);
}

/** When templates/snippets/notify.sh tells its progress: every other time that its reporter wakes. */
function reporterTicksMs(workMs: number): number[] {
  const ticks: number[] = [];
  let pauseMs = 1000;
  for (let atMs = pauseMs; atMs < workMs; atMs += 2 * pauseMs) {
    ticks.push(atMs);
    pauseMs = 1000 * Math.min(5, 1 + Math.floor(atMs / 60_000));
  }
  return ticks;
}
