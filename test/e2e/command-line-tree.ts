import { copyFile, cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../apps/quickstart/src/project-root.js';
import { debianInstallerTree } from './debian-installer.js';

const modules = ['*/virtio*.ko', '*/failover.ko', '*/net_failover.ko'];
const ownFiles = path.join(projectRoot, 'test/e2e');

/**
 * A tree like that of an installer, as a tarball in `dir`: the kernel of Debian's, with an initial RAM disk that shows what it makes of
 * its command line (command-line-init.sh).
 */
export async function commandLineTree(dir: string, cacheDir: string): Promise<string> {
  const work = await mkdtemp(path.join(tmpdir(), 'dodai-command-line-'));
  try {
    await execa('tar', ['-xf', await debianInstallerTree(cacheDir), '-C', work]);
    const root = path.join(work, 'root');
    await mkdir(root);
    await takeModules(path.join(work, 'initrd.gz'), root);
    await addPrograms(root);
    const pack = 'find . -print0 | cpio --null --create --format newc --quiet | gzip -1 >../initrd.gz';
    await execa('bash', ['-c', `set -o pipefail; ${pack}`], { cwd: root });
    const tree = path.join(dir, 'command-line.tar');
    await execa('tar', ['-cf', tree, '-C', work, 'linux', 'initrd.gz']);
    return tree;
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Drivers of the virtual network card, out of the initial RAM disk that belongs to the kernel. */
async function takeModules(initrd: string, root: string): Promise<void> {
  const wanted = modules.map((pattern) => `'${pattern}'`).join(' ');
  const unpack = `zcat "$0" | cpio --extract --make-directories --quiet ${wanted}`;
  await execa('bash', ['-c', `set -o pipefail; ${unpack}`, initrd], { cwd: root });
  const flat = path.join(root, 'modules');
  await mkdir(flat);
  const found = await readdir(path.join(root, 'lib'), { recursive: true });
  for (const file of found.filter((name) => name.endsWith('.ko')))
    await rename(path.join(root, 'lib', file), path.join(flat, path.basename(file)));
  await rm(path.join(root, 'lib'), { recursive: true });
}

async function addPrograms(root: string): Promise<void> {
  for (const directory of ['bin', 'proc', 'sys', 'dev']) await mkdir(path.join(root, directory));
  const { stdout: busybox } = await execa('which', ['busybox']);
  await cp(busybox, path.join(root, 'bin/busybox'), { dereference: true });
  await symlink('busybox', path.join(root, 'bin/sh'));
  for (const library of await librariesOf(busybox)) {
    await mkdir(path.join(root, path.dirname(library)), { recursive: true });
    await cp(library, path.join(root, library), { dereference: true });
  }
  await copyFile(path.join(ownFiles, 'command-line-init.sh'), path.join(root, 'init'));
  await copyFile(path.join(ownFiles, 'command-line-lease.sh'), path.join(root, 'lease.sh'));
}

/** None for what is linked statically. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await execa('ldd', [program], { reject: false });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
}
