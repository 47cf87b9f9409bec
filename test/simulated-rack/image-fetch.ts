import { createHash } from 'node:crypto';
import type { Fetching } from './behaviour.js';
import { ask, fetchFile, type HttpFrom, stallIn } from './http-from.js';
import type { Script } from './script.js';
import { ScriptFailure, type Session } from './session.js';

/** How often create.sh tries to get its image, see templates/snippets/image.sh. */
const tries = 12;

/** templates/snippets/image.sh: the list of chunks, which has to be the right one; then as much of them as is wanted. */
export async function fetchImage(session: Session, script: Script): Promise<void> {
  const { machine, signal } = session;
  const { image } = machine.behaviour.fetches;
  const how = { from: machine.address, signal };
  if (image !== 'none') await fetchChunkList(session, script, how);
  if (machine.faults.take('image-stalls')) {
    await stallIn(script.imageUrl, how);
    await session.forever();
  }
  await fetchChunks(session, script, image, how);
}

async function fetchChunkList(session: Session, script: Script, how: HttpFrom): Promise<void> {
  const { imageChunksUrl: url, imageChunksSha256: expected } = script;
  let wasWrong = false;
  const came = await session.retry(tries, async () => {
    const { status, text } = await answerOf(url, how);
    if (isWorthAnotherTry(status)) return undefined;
    if (status !== 200) throw new ScriptFailure(`the download of the list of chunks failed: HTTP ${status}`);
    const found = createHash('sha256').update(text).digest('hex');
    if (found === expected) return true;
    if (wasWrong)
      throw new ScriptFailure(`the list of chunks that came has SHA-256 ${found}, expected ${expected}`);
    wasWrong = true;
    return undefined;
  });
  if (!came) throw new ScriptFailure('the download of the list of chunks failed: nobody answered');
  session.machine.note('has the list of chunks');
}

async function answerOf(url: string, how: HttpFrom): Promise<{ status: number; text: string }> {
  return await ask(url, how).catch((error: unknown) => {
    how.signal.throwIfAborted();
    return { status: 0, text: String(error) };
  });
}

const isWorthAnotherTry = (status: number) => status === 0 || status >= 500;

async function fetchChunks(
  session: Session,
  { imageUrl }: Script,
  fetching: Fetching,
  how: HttpFrom,
): Promise<void> {
  try {
    const came = await session.retry(tries, () => took(imageUrl, fetching, how));
    if (!came) throw new Error('nobody answered');
  } catch (error) {
    how.signal.throwIfAborted();
    throw new ScriptFailure(`the download of the image ended: ${String(error)}`);
  }
}

/** Undefined when there was no answer, or that the server itself is in trouble: both are worth another try. */
async function took(url: string, fetching: Fetching, how: HttpFrom): Promise<true | undefined> {
  try {
    await fetchFile(url, fetching, how);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && !how.signal.aborted) return undefined;
    if (/HTTP 5\d\d$/.test(String(error))) return undefined;
    throw error;
  }
}
