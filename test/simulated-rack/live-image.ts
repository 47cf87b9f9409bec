import type { WipedDisk } from '#core';
import { fetchText } from './fetch-text.js';
import { fetchImage } from './image-fetch.js';
import { readScript, type Script } from './script.js';
import { ScriptFailure, type Session } from './session.js';
import { ownedAs } from './installed-os.js';
import { partition } from './truth.js';
import { mustSay, report } from './working.js';
import { Words } from './words.js';

/** How often the live image asks for its script before it gives up, see apps/live-image. */
const scriptTries = 10;

/**
 * The live image: fetches its script, runs it, and waits to be switched off, whatever came of it. Without a script it has shells for
 * a person.
 */
export async function runLiveImage(session: Session, scriptUrl?: string): Promise<void> {
  const { truth } = session.machine;
  truth.inside = { kind: 'live-image', script: 'none' };
  if (scriptUrl === undefined) return session.forever();
  await session.at('script');
  const isOther = session.machine.faults.take('asks-for-another-script');
  const script = await fetchScript(session, isOther ? otherScript(scriptUrl) : scriptUrl);
  if (script) await run(session, script);
  await session.forever();
}

function otherScript(url: string): string {
  return url.endsWith('/create.sh')
    ? url.replace(/create\.sh$/, 'delete.sh')
    : url.replace(/delete\.sh$/, 'create.sh');
}

async function fetchScript(session: Session, url: string): Promise<Script | undefined> {
  const text = await session.retry(scriptTries, () => fetchText(session, url));
  return text === undefined ? undefined : readScript(text);
}

async function run(session: Session, script: Script): Promise<void> {
  const words = new Words(session, script.ear);
  session.machine.truth.inside = { kind: 'live-image', script: script.kind };
  try {
    await (script.kind === 'create.sh' ? create : wipe)(session, script, words);
  } catch (error) {
    if (!(error instanceof ScriptFailure)) throw error;
    await words.say({ state: 'failed', message: error.message }, 6);
    return;
  }
  await session.at('done');
}

/** templates/create.sh */
async function create(session: Session, script: Script, words: Words): Promise<void> {
  const { truth } = session.machine;
  const { instanceId, imageId } = script;
  await session.at('install');
  await mustSay(words, { state: 'install', progress: 0 });
  await session.at('partition');
  const complete = partition(truth, instanceId);
  await session.at('image');
  await fetchImage(session, script);
  await report(session, words, 'install', 'writing the image');
  await session.at('boot-loader');
  complete({ ...ownedAs(script), imageId });
  await session.at('install_reboot');
  await mustSay(words, {
    state: 'install_reboot',
    progress: 100,
    message: `${script.hostName} is on /dev/sim`,
  });
}

/** templates/delete.sh */
async function wipe(session: Session, _script: Script, words: Words): Promise<void> {
  const { truth } = session.machine;
  await session.at('delete');
  await mustSay(words, { state: 'delete', progress: 0 });
  await session.at('wipe');
  truth.disk = { kind: 'half-wiped' };
  await report(session, words, 'delete', 'wiping the disk');
  await session.at('read-back');
  truth.disk = { kind: 'wiped' };
  truth.wipes += 1;
  await session.at('deleted');
  const message = '1 disk is wiped: /dev/sim (signatures, 0 s, 2 places read back: zeros)';
  await mustSay(words, { state: 'deleted', progress: 100, message, wipe: [wipedDisk] });
}

const wipedDisk: WipedDisk = {
  disk: '/dev/sim',
  serial: 'SIM',
  wwn: null,
  model: 'simulated',
  sizeBytes: 8_000_000_000,
  method: 'signatures',
  command: 'wipefs --all',
  seconds: 0,
  readBack: { placeBytes: 1, offsets: [0, 1], held: { zeros: 2, ones: 0, other: 0 }, marked: false },
};
