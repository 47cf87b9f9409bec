import { tftpGet } from '../support/tftp-client.js';
import { fetchFile } from './http-from.js';
import type { Session } from './session.js';

/** What the boot loader was told; a kernel that it has fetched goes by its command line. */
export type NetworkBoot = { kind: 'local' } | { kind: 'kernel'; commandLine: readonly string[] };

/** What the loader does as real firmware and pxelinux do it, but for DHCP. Undefined: something could not be fetched. */
export async function bootFromNetwork(session: Session): Promise<NetworkBoot | undefined> {
  const { machine } = session;
  const { fetches } = machine.behaviour;
  await session.at('loader');
  const other = machine.faults.take('asks-for-another-loader');
  if (other && (await tftp(session, other.file)) === undefined) return undefined;
  if (fetches.loader && (await tftp(session, 'lpxelinux.0')) === undefined) return undefined;
  await session.at('configuration');
  const text = await tftp(session, `pxelinux.cfg/01-${machine.mac.replaceAll(':', '-')}`);
  if (text === undefined) return undefined;
  const told = readConfiguration(text);
  if (!told) return { kind: 'local' };
  await session.at('kernel');
  if (!(await http(session, told.kernelUrl, fetches.kernel))) return undefined;
  await session.at('initrd');
  if (!(await http(session, told.initrdUrl, fetches.initrd))) return undefined;
  return { kind: 'kernel', commandLine: told.commandLine };
}

/** Undefined for a configuration that boots the disk. Throws when it is neither that nor a kernel. */
function readConfiguration(text: string) {
  if (/^\s*LOCALBOOT\b/m.test(text)) return undefined;
  const [, kernelUrl] = /^\s*KERNEL (\S+)$/m.exec(text) ?? [];
  const [, initrdUrl] = /^\s*INITRD (\S+)$/m.exec(text) ?? [];
  const [, words] = /^\s*APPEND (.*)$/m.exec(text) ?? [];
  if (!kernelUrl || !initrdUrl || words === undefined) throw new Error(`this boots nothing: ${text}`);
  return { kernelUrl, initrdUrl, commandLine: words.split(' ') };
}

async function tftp(session: Session, path: string): Promise<string | undefined> {
  const { machine, signal } = session;
  const { address, world } = machine;
  const { retryMs } = machine.behaviour;
  try {
    const options = { ...world.tftp, localAddress: address, signal, retryMs, maxTries: 6, blockSize: 1408 };
    return (await tftpGet(path, options)).bytes.toString('latin1');
  } catch (error) {
    return lost(session, path, error);
  }
}

async function http(session: Session, url: string, fetching: Parameters<typeof fetchFile>[1]) {
  const { machine, signal } = session;
  try {
    await fetchFile(url, fetching, { from: machine.address, signal });
    return true;
  } catch (error) {
    return lost(session, url, error);
  }
}

function lost({ machine, signal }: Session, what: string, error: unknown): undefined {
  signal.throwIfAborted();
  machine.note(`could not fetch ${what}: ${String(error)}`);
}
