import path from 'node:path';

/** What apps/lab/demo-image/build.sh writes into its folder. */
export function demoImage(dir: string) {
  return { name: 'debian-demo', file: path.join(dir, 'debian-demo.ext4.zst'), defaultUser: 'debian' };
}
