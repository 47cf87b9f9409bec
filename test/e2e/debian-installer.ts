import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

const packageName = 'debian-installer-12-netboot-amd64';
const files = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';

/** Kernel and initial RAM disk of Debian's installer as a tarball, out of Debian's own package of them, which is not installed. */
export async function debianInstallerTree(cacheDir: string): Promise<string> {
  const dir = path.join(cacheDir, 'debian-installer');
  const tree = path.join(dir, 'tree.tar');
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).includes('tree.tar')) return tree;
  await execa('apt-get', ['download', packageName], { cwd: dir });
  const [deb = ''] = (await readdir(dir)).filter((name) => name.endsWith('.deb'));
  const unpacked = path.join(dir, 'unpacked');
  await execa('dpkg-deb', ['--extract', path.join(dir, deb), unpacked]);
  await execa('tar', [
    '--create',
    '--file',
    `${tree}.new`,
    '--directory',
    path.join(unpacked, files),
    'linux',
    'initrd.gz',
  ]);
  await execa('mv', [`${tree}.new`, tree]);
  await rm(unpacked, { recursive: true });
  await rm(path.join(dir, deb));
  return tree;
}
