import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Result } from 'execa';
import { debianInstallerTree } from '../e2e/debian-installer.js';
import type { SmallOs } from './small-os.js';

const cacheDir = process.env.DODAI_CACHE_DIR || '/var/cache/dodai';

/**
 * What Debian's installer runs in: the programs and scripts of its own initial RAM disk, with an installed system at /target. What is
 * written there to /usr is in memory: the programs are those of this host. Of the firmware nothing is seen.
 */
export class DebianInstallerRoot {
  private constructor(readonly root: string) {}

  static async make(): Promise<DebianInstallerRoot> {
    const root = await mkdtemp(join(tmpdir(), 'dodai-installer-'));
    const unpack =
      'tar -xOf "$0" initrd.gz | zcat | cpio --extract --make-directories --quiet --nonmatching "dev/*"';
    await execa('bash', ['-c', `set -o pipefail; ${unpack}`, await debianInstallerTree(cacheDir)], {
      cwd: root,
    });
    await chmod(root, 0o755);
    await mkdir(join(root, 'target'));
    return new DebianInstallerRoot(root);
  }

  /** Runs a script in the installer's shell; what it has begun ends with it. */
  async run(script: string, target: SmallOs): Promise<Result<{ all: true; reject: false }>> {
    await writeFile(
      join(this.root, 'script'),
      `set -eu\nexport PATH=/sbin:/usr/sbin:/bin:/usr/bin\n${script}`,
    );
    for (const directory of ['sys/devices', 'run']) await mkdir(target.path(directory), { recursive: true });
    const mounts = `mount -t tmpfs run "$ROOT/run"
      mount -t proc proc "$ROOT/proc"
      mount --bind "$OS" "$ROOT/target"
      mkdir "$ROOT/run/upper" "$ROOT/run/work"
      mount -t overlay usr -o "lowerdir=/usr,upperdir=$ROOT/run/upper,workdir=$ROOT/run/work" "$ROOT/target/usr"
      mount -t tmpfs dev "$ROOT/dev"
      for device in null zero urandom; do
        : >"$ROOT/dev/$device"
        mount --bind "/dev/$device" "$ROOT/dev/$device"
      done
      ln -s /proc/self/fd "$ROOT/dev/fd"
      ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
      mount --rbind "$ROOT/dev" "$ROOT/target/dev"`;
    const args = ['--mount', '--pid', '--fork', '--kill-child', 'bash', '-c'];
    const env = { ROOT: this.root, OS: target.root };
    const options = { all: true, reject: false, env } as const;
    return execa(
      'unshare',
      [...args, `set -e\n${mounts}\nchroot "$ROOT" /bin/sh /script </dev/null`],
      options,
    );
  }

  path(name: string): string {
    return join(this.root, name);
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
