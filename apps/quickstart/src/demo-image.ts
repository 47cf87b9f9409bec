import path from 'node:path';

/** The forms of the demo image that can be installed. */
export const demoImageFiles = {
  fileSystem: 'debian-demo.ext4.zst',
  disk: 'debian-demo.qcow2',
  tarball: 'debian-demo.tar.zst',
} as const;

/** What apps/lab/demo-image/build.sh writes into its folder. */
export function demoImage(dir: string) {
  return { name: 'debian-demo', file: path.join(dir, demoImageFiles.fileSystem), defaultUser: 'debian' };
}
