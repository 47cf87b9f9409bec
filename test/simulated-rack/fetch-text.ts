import { ask } from './http-from.js';
import type { Session } from './session.js';

/** What is at a URL, in one try; undefined when nobody is there, or nothing. */
export async function fetchText({ machine, signal }: Session, url: string): Promise<string | undefined> {
  const answer = await ask(url, { from: machine.address, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    return { status: 0, text: String(error) };
  });
  machine.note(`asked for ${url}: ${answer.status}`);
  return answer.status === 200 ? answer.text : undefined;
}
