import type { InstanceView } from '#contract';
import { outcomeText, throwIfFailed } from './outcome.js';
import type { Session } from './session.js';
import { painterFor, silentPainter } from './watch/painters.js';
import { watchInstance } from './watch/watch-instance.js';

/** What `--wait` does: people watch it happen, programs get one document at the end. */
export async function waitForInstance(session: Session, { id }: InstanceView): Promise<void> {
  const { output, io } = session;
  const painter = output.json ? silentPainter : painterFor(output, io);
  const watched = await watchInstance(session, id, painter);
  const { instance } = watched;
  if (output.json) output.result(instance, () => '');
  throwIfFailed(instance);
  output.note(await outcomeText(session, watched));
}

const longSeconds = 240;

/** Waits until the power order in hand is carried out. One that came to nothing is an error. */
export async function waitForPower(
  { client }: Session,
  id: string,
  state: 'active' | 'stopped',
): Promise<InstanceView> {
  for (;;) {
    const instance = await client.waitForInstance(id, state, longSeconds);
    if (instance.state === state && instance.powerOrder === null) return instance;
  }
}
