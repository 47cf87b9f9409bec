import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

const packageName = 'debian-installer-12-netboot-amd64';
const files = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';

/**
 * Kernel and initial RAM disk of Debian's installer as a tarball, out of Debian's own package of them, which is not installed. It appears
 * complete or not at all, whoever else asks for it at the same time.
 */
export async function debianInstallerTree(cacheDir: string): Promise<string> {
  const dir = path.join(cacheDir, 'debian-installer');
  const tree = path.join(dir, 'tree.tar');
  if (existsSync(tree)) return tree;
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(path.join(dir, 'new-'));
  try {
    // Not by apt's own user, who may not write to a directory of root's alone.
    await execa('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', packageName], { cwd: work });
    const [deb = ''] = await readdir(work);
    await execa('dpkg-deb', ['--extract', path.join(work, deb), path.join(work, 'unpacked')]);
    const from = path.join(work, 'unpacked', files);
    await execa('tar', ['-cf', path.join(work, 'tree.tar'), '-C', from, 'linux', 'initrd.gz']);
    await rename(path.join(work, 'tree.tar'), tree);
  } finally {
    await rm(work, { recursive: true });
  }
  return tree;
}
