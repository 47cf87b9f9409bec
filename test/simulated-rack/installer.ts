import { readAnswers } from './answer-file.js';
import { fetchText } from './fetch-text.js';
import { ownedAs } from './installed-os.js';
import { readScript, valueIn } from './script.js';
import { Restart, ScriptFailure, type Session } from './session.js';
import { partition } from './truth.js';
import { mustSay, report } from './working.js';
import { Words } from './words.js';

/** templates/netinstall/talk.sh tries so often to fetch something. */
const fetchTries = 10;

/**
 * The installer of a distribution. For its answers it asks once, as that of Debian does (fetch-url in debian-installer-utils); without
 * them, or when a command in them fails, it shows what is wrong and stands still.
 */
export async function runInstaller(session: Session, answersUrl: string): Promise<void> {
  const { machine } = session;
  machine.truth.inside = { kind: 'installer' };
  await session.at('script');
  const answers = readAnswers(existing(await fetchText(session, answersUrl), answersUrl));
  await session.at('begin');
  const { scriptUrl, isAwaited, powersOff } = answers;
  const script = await session.retry(isAwaited ? Infinity : 1, () => fetchText(session, scriptUrl));
  try {
    await install(session, existing(script, scriptUrl));
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error;
    await new Words(session, earOf(script ?? '')).say({ state: 'failed', message: error.message }, 10);
    await session.forever();
  }
  await session.at('done');
  if (!powersOff) throw new Restart();
  machine.powerOff();
  session.signal.throwIfAborted();
}

/** templates/netinstall/installer.sh, by the commands that the answer file calls it with, and what the installer does between them. */
async function install(session: Session, script: string): Promise<void> {
  const words = new Words(session, earOf(script));
  const finishUrl = valueIn(script, 'FINISH_URL');
  const finish = await session.retry(fetchTries, () => fetchText(session, finishUrl));
  const owner = readScript(existing(finish, finishUrl));
  await session.at('install');
  await mustSay(words, { state: 'install', progress: 0, message: 'the installer has its answers' });
  await session.at('partition');
  await mustSay(words, { state: 'install', progress: 15, message: 'the OS goes to /dev/sim' });
  const complete = partition(session.machine.truth, owner.instanceId);
  await session.at('image');
  await report(session, words, 'install', 'bootstrap-base');
  await session.at('boot-loader');
  await mustSay(words, { state: 'install', progress: 94, message: 'the OS is made that of its owner' });
  complete({ ...ownedAs(owner), imageId: owner.imageId });
  await session.at('install_reboot');
  await mustSay(words, { state: 'install_reboot', progress: 100, message: 'the OS is installed' });
}

const earOf = (script: string) => ({
  instanceUrl: valueIn(script, 'INSTANCE_URL'),
  token: valueIn(script, 'TOKEN'),
});

function existing(text: string | undefined, url: string): string {
  if (text === undefined) throw new Error(`${url} could not be fetched`);
  return text;
}
