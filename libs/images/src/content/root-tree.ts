import { createInterface } from 'node:readline';
import { DomainError } from '#core';
import type { StreamingProcesses } from '#platform';
import { bootFilesAmong, mayBeBootFile } from '../check/describing/boot-files.js';
import { shown } from '../kinds/kind.js';
import { refusedAs } from '../image-kinds.js';

const memoryBytes = 1024 ** 3;
const tarball = { type: 'tar' };

/** What names at the top of a tarball tell that it is, when it is no root file system; the first that fits. */
const others: readonly { has: string; called: string; remedy: string }[] = [
  {
    has: 'oci-layout',
    called: 'an archive of container images (OCI)',
    remedy: 'Unpack one to a file system first (umoci unpack), and send a tarball of its rootfs.',
  },
  {
    has: 'manifest.json',
    called: 'an archive of container images (docker save)',
    remedy: 'Make a tarball of the file system of a container instead: docker export CONTAINER > root.tar.',
  },
];

/**
 * Reads the names in a tarball, all of them, so that it is known to be whole. Throws DomainError `image-invalid` unless
 * they look like a root file system, or like what starts an installer or a live system: a kernel with its initrd.
 */
export async function checkRootTree(
  file: string,
  processes: StreamingProcesses,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bounds = [`--as=${memoryBytes}`, '--fsize=0', '--core=0'];
  const args = ['tar', '--list', '--quoting-style=escape', '--force-local', `--file=${file}`];
  const over = new AbortController();
  const tar = processes.start(
    'prlimit',
    [...bounds, ...args],
    AbortSignal.any(signal ? [signal, over.signal] : [over.signal]),
  );
  tar.stdin.end();
  const top = new Set<string>();
  const bootFiles: string[] = [];
  let hasSystem = false;
  try {
    for await (const name of createInterface({ input: tar.stdout, crlfDelay: Infinity })) {
      const parts = name.split('/').filter((part) => part !== '' && part !== '.');
      if (parts.includes('..')) throw leaves(name);
      if (parts[0] !== undefined && top.size < mostNames) top.add(parts[0]);
      if (bootFiles.length < mostNames && mayBeBootFile(name)) bootFiles.push(`/${parts.join('/')}`);
      hasSystem ||= parts.slice(-2).join('/') === 'etc/passwd';
    }
    signal?.throwIfAborted();
    const { exitCode, stderr } = await tar.ended;
    if (exitCode !== 0) throw damaged(stderr);
  } finally {
    over.abort();
  }
  if (hasSystem || bootFilesAmong(bootFiles).length === 0) checkTop(top);
}

/** More than any root file system has at its top, and more kernels than anything has. */
const mostNames = 1000;

function checkTop(top: ReadonlySet<string>): void {
  if (top.has('etc') && (top.has('usr') || top.has('bin'))) return;
  const other = others.find(({ has }) => top.has(has));
  if (other) throw refusedAs('it', { ...tarball, called: other.called }, other.remedy);
  const names = [...top];
  const has = names.length === 0 ? 'nothing' : shown(names.slice(0, 5).join(', '));
  const called = `a tarball of no root file system (it has ${has} at its top, and not etc with usr or bin)`;
  const folder = names.length === 1 ? (names[0] ?? 'root') : 'root';
  throw refusedAs(
    'it',
    { ...tarball, called },
    `Pack what is in the folder that has them: tar --numeric-owner --xattrs -C ${shown(folder)} -czf root.tar.gz ., as root.`,
  );
}

function leaves(name: string): DomainError {
  const called = `a tarball with a path that leads out of it (${shown(name)})`;
  return refusedAs(
    'it',
    { ...tarball, called },
    'Make it anew, with paths that begin at the root of the system.',
  );
}

function damaged(said: string): DomainError {
  const why = shown(said.replace(/^tar: /, ''), 200);
  return new DomainError('image-invalid', `The image is a tarball that tar cannot read: ${why}`, {
    remedy: 'It is damaged, or was cut short. Test it where it comes from (tar -tf), and send it again.',
    context: { field: 'body' },
  });
}
