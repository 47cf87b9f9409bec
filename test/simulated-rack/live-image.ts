import type { WipedDisk } from '#core';
import { ask } from './http-from.js';
import { fetchImage } from './image-fetch.js';
import { readScript, type Script } from './script.js';
import { ScriptFailure, type Session } from './session.js';
import { ownedAs } from './installed-os.js';
import { Words } from './words.js';

/** How often the live image asks for its script before it gives up, see apps/live-image. */
const scriptTries = 10;

/** The live image: fetches its script, runs it, and waits to be switched off, whatever came of it. */
export async function runLiveImage(session: Session, scriptUrl: string): Promise<void> {
  const { truth } = session.machine;
  truth.inside = { kind: 'live-image', script: 'none' };
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
  const { machine, signal } = session;
  const text = await session.retry(scriptTries, async () => {
    const answer = await ask(url, { from: machine.address, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      return { status: 0, text: String(error) };
    });
    machine.note(`asked for ${url}: ${answer.status}`);
    return answer.status === 200 ? answer.text : undefined;
  });
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
  const installation = { instanceId, before: truth.disk, completed: false };
  truth.installations.push(installation);
  truth.disk = { kind: 'half-written', instanceId };
  await session.at('image');
  await fetchImage(session, script);
  await report(session, words, 'install', 'writing the image');
  await session.at('boot-loader');
  truth.disk = { kind: 'installed', os: { ...ownedAs(script), imageId } };
  installation.completed = true;
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

async function mustSay(words: Words, word: Parameters<Words['say']>[0]): Promise<void> {
  if (!(await words.say(word))) throw new ScriptFailure(`the controller did not take ${word.state}`);
}

/** Progress and log, over the time that the work takes. */
async function report(session: Session, words: Words, state: 'install' | 'delete', what: string) {
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
