import type { Session } from './session.js';
import type { InstalledOs } from './truth.js';
import { Words } from './words.js';

/** An OS that was installed: says `installed` on its first boot, for as long as it is not taken, then goes about its business. */
export async function runInstalledOs(session: Session, os: InstalledOs): Promise<void> {
  session.machine.truth.inside = { kind: 'installed-os', os };
  if (!os.reported) {
    await session.at('installed');
    const words = new Words(session, { instanceUrl: os.notifyUrl.replace(/\/notify$/, ''), token: os.token });
    await session.retry(Infinity, async () =>
      (await words.say({ state: 'installed' }, 1)) ? true : undefined,
    );
    os.reported = true;
  }
  await session.at('up');
  await session.forever();
}
