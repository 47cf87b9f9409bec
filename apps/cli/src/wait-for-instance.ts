import type { InstanceView } from '#contract';
import { outcomeText, throwIfFailed } from './outcome.js';
import type { Session } from './session.js';
import { painterFor, silentPainter } from './watch/painters.js';
import { watchInstance } from './watch/watch-instance.js';

/** What `--wait` does: people watch it happen, programs get one document at the end. */
export async function waitForInstance(session: Session, { id }: InstanceView): Promise<void> {
  const { output, io } = session;
  const painter = output.json ? silentPainter : painterFor(output, io);
  const instance = await watchInstance(session, id, painter);
  if (output.json) output.result(instance, () => '');
  throwIfFailed(instance);
  output.note(await outcomeText(session, instance));
}
