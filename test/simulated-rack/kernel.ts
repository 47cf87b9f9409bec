import { runInstaller } from './installer.js';
import { runLiveImage } from './live-image.js';
import { runOsInMemory } from './os-in-memory.js';
import type { Session } from './session.js';

/** What a kernel with its initial RAM disk does, as its command line has it and nothing else. Throws when it has nothing that is known here. */
export async function runKernel(session: Session, commandLine: readonly string[]): Promise<void> {
  const value = (name: string) =>
    commandLine.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const scriptUrl = value('dodai_script');
  if (scriptUrl !== undefined || commandLine.includes('dodai_shell')) return runLiveImage(session, scriptUrl);
  const [, seedUrl] = /^nocloud-net;s=(.+)$/.exec(value('ds') ?? '') ?? [];
  if (seedUrl !== undefined && commandLine.includes('autoinstall'))
    return runInstaller(session, `${seedUrl}user-data`);
  const answersUrl = value('url') ?? value('inst.ks') ?? value('autoyast');
  if (answersUrl !== undefined) return runInstaller(session, answersUrl);
  if (seedUrl !== undefined) return runOsInMemory(session, seedUrl, value('fetch'));
  throw new Error(`this kernel does nothing: ${commandLine.join(' ')}`);
}
