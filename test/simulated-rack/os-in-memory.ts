import { parse } from 'yaml';
import { fetchText } from './fetch-text.js';
import { readScript } from './script.js';
import type { Session } from './session.js';
import { Words } from './words.js';

/** cloud-init asks for each document so often, and waits for a second between (util.read_seeded, url_helper.readurl). */
const seedTries = 11;
const seedPauseMs = 1000;

/**
 * An OS that runs in memory, at every start anew: live-boot fetches its files (`fetch=`), cloud-init asks the metadata service who it
 * is and runs the script in its vendor data, which says `installed`. Without that it is nobody's, and stands there.
 */
export async function runOsInMemory(session: Session, seedUrl: string, filesUrl?: string): Promise<void> {
  const { truth } = session.machine;
  if (filesUrl !== undefined && (await fetchText(session, filesUrl)) === undefined)
    throw new Error('there is no root file system');
  truth.inside = { kind: 'os-in-memory', os: { instanceId: null, hostName: null } };
  await session.at('metadata');
  const { metaData, vendorData } = await readSeed(session, seedUrl);
  const { instanceId, ear } = readScript(settlingScript(vendorData));
  truth.inside = { kind: 'os-in-memory', os: { instanceId, hostName: metaData['local-hostname'] ?? null } };
  await session.at('installed');
  const words = new Words(session, ear);
  await session.retry(Infinity, async () =>
    (await words.say({ state: 'installed' }, 1)) ? true : undefined,
  );
  await session.at('up');
  await session.forever();
}

async function readSeed(session: Session, seedUrl: string) {
  const metaData = parse(await fetchSeed(session, `${seedUrl}meta-data`)) as Record<string, string>;
  await fetchSeed(session, `${seedUrl}user-data`);
  return { metaData, vendorData: await fetchSeed(session, `${seedUrl}vendor-data`) };
}

async function fetchSeed(session: Session, url: string): Promise<string> {
  for (let left = seedTries; left > 0; left--) {
    const text = await fetchText(session, url);
    if (text !== undefined) return text;
    await session.sleep(seedPauseMs);
  }
  throw new Error(`cloud-init could not fetch ${url}`);
}

/** The last script in the vendor data, which is that script alone or a message whose parts are in base64. */
function settlingScript(vendorData: string): string {
  if (vendorData.startsWith('#!')) return vendorData;
  const [, boundary = ''] = /^Content-Type: multipart\/mixed;\s+boundary="([^"]+)"/m.exec(vendorData) ?? [];
  const scripts = vendorData
    .split(`--${boundary}`)
    .filter((part) => /^Content-Type: text\/x-shellscript/m.test(part));
  const [, body = ''] = /\n\r?\n([^]*)/.exec(scripts.at(-1)?.trimStart() ?? '') ?? [];
  return Buffer.from(body, 'base64').toString('utf8');
}
