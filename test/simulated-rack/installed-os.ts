import { ask } from './http-from.js';
import { readScript, type Script } from './script.js';
import { ScriptFailure, type Session } from './session.js';
import type { InstalledOs } from './truth.js';
import { Words } from './words.js';

/** What a script makes of an OS, whether it was just written or waited in the pool. */
export function ownedAs(script: Script): Omit<InstalledOs, 'imageId'> {
  const { instanceId, hostName, sshKeys, userData, pooled, ear } = script;
  const { token } = ear;
  const owner = { instanceId, hostName, sshKeys, userData, notifyUrl: `${ear.instanceUrl}/notify`, token };
  return { ...owner, userDataRuns: 0, reported: false, pooled };
}

/**
 * An OS that was installed: runs its user data and says `installed` when it is its owner's for the first time, for as long as
 * it is not taken. In the pool it then asks for its owner, until it has one.
 */
export async function runInstalledOs(session: Session, os: InstalledOs): Promise<void> {
  const { truth } = session.machine;
  truth.inside = { kind: 'installed-os', os };
  await reportInstalled(session, os);
  if (os.pooled) {
    await takeOwner(session, os);
    await reportInstalled(session, os);
  }
  await session.at('up');
  await session.forever();
}

async function reportInstalled(session: Session, os: InstalledOs): Promise<void> {
  if (os.reported) return;
  if (os.userData && os.userDataRuns === 0) os.userDataRuns = 1;
  await session.at('installed');
  const words = new Words(session, { instanceUrl: instanceUrlOf(os), token: os.token });
  await session.retry(Infinity, async () =>
    (await words.say({ state: 'installed' }, 1)) ? true : undefined,
  );
  os.reported = true;
}

/** templates/snippets/await-owner.sh: a script that could not be run is told of, and asked for again. */
async function takeOwner(session: Session, os: InstalledOs): Promise<void> {
  while (os.pooled) {
    await session.at('owner');
    os.handOver ??= await askForOwner(session, os);
    const script = readScript(os.handOver);
    try {
      await session.at('hand-over');
      Object.assign(os, ownedAs(script), { handOver: undefined });
      session.machine.truth.handOvers.push(os.instanceId);
    } catch (error) {
      if (!(error instanceof ScriptFailure)) throw error;
      await new Words(session, script.ear).say({ state: 'failed', message: error.message }, 5);
      os.handOver = undefined;
    }
  }
}

async function askForOwner(session: Session, os: InstalledOs): Promise<string> {
  const { machine, signal } = session;
  const url = `${instanceUrlOf(os)}/owner`;
  const headers = { authorization: `Bearer ${os.token}` };
  const script = await session.retry(Infinity, async () => {
    for (;;) {
      const answer = await ask(url, { from: machine.address, signal, headers }).catch((error: unknown) => {
        signal.throwIfAborted();
        return { status: 0, text: String(error) };
      });
      machine.note(`asked for its owner: ${answer.status}`);
      if (answer.status === 200) return answer.text;
      if (answer.status !== 204) return undefined;
    }
  });
  return script ?? '';
}

function instanceUrlOf({ notifyUrl }: InstalledOs): string {
  return notifyUrl.replace(/\/notify$/, '');
}
