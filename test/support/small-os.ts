import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Result } from 'execa';

/** What systemd does with the units of the templates, as far as they need it: `start` and `restart` run what a unit runs. */
const systemctl = `#!/bin/bash
printf '%s\\n' "$*" >>/var/log/systemctl
# A loss of power, as far as whoever calls this is concerned.
if [[ -e /cut-at && $1 == "$(</cut-at)" ]]; then
  rm /cut-at
  kill -9 $PPID
  exit 1
fi
verb=$1 unit=\${!#}
case $verb in
  start | restart)
    condition=$(sed -n 's/^ConditionPathExists=!//p' "/etc/systemd/system/$unit")
    [[ $condition && -e $condition ]] || exec "$(sed -n 's/^ExecStart=//p' "/etc/systemd/system/$unit")"
    ;;
  disable) rm -f "/etc/systemd/system/multi-user.target.wants/$unit" ;;
esac
`;

/** A root directory with an account, the programs of this host, and a systemctl that stands for systemd. */
export class SmallOs {
  private constructor(readonly root: string) {}

  static async make(hosts: string): Promise<SmallOs> {
    const os = new SmallOs(await mkdtemp(join(tmpdir(), 'dodai-small-os-')));
    await chmod(os.root, 0o755);
    for (const directory of [
      'usr',
      'proc',
      'dev',
      'tmp',
      'etc',
      'root',
      'home/debian',
      'etc/ssh',
      'srv',
      'var/log',
      'stubs',
    ])
      await mkdir(join(os.root, directory), { recursive: true });
    for (const directory of ['bin', 'sbin', 'lib', 'lib64'])
      await symlink(`usr/${directory}`, os.path(directory));
    await os.write('etc/hosts', hosts);
    await os.write('etc/passwd', 'root:x:0:0::/root:/bin/bash\ndebian:x:1000:1000::/home/debian:/bin/bash\n');
    await os.write('etc/group', 'root:x:0:\ndebian:x:1000:\n');
    await os.write('etc/shadow', 'root:*:19000:0:99999:7:::\ndebian:!:19000:0:99999:7:::\n', 0o600);
    await os.write('stubs/systemctl', systemctl, 0o755);
    return os;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  async write(name: string, content: string, mode = 0o644): Promise<void> {
    await writeFile(this.path(name), content);
    await chmod(this.path(name), mode);
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  async mode(name: string): Promise<string> {
    return ((await stat(this.path(name))).mode & 0o777).toString(8);
  }

  /** Every file below a directory with its mode, owner and content. */
  async tree(directory: string): Promise<string> {
    const print = ['-printf', '%P %m %U:%G %l\\n'];
    const { stdout: names } = await execa('find', [this.path(directory), ...print]);
    const { stdout: content } = await execa('grep', ['-r', '', '.'], {
      cwd: this.path(directory),
      reject: false,
    });
    return [...names.split('\n'), ...content.split('\n')].sort().join('\n');
  }

  /** Runs a script on this host with the root made ready to chroot into, which is in ROOT. */
  outside(script: string): Promise<Result<{ all: true; reject: false }>> {
    const mounts = `mount --bind /usr "$ROOT/usr"
      mount --bind "$ROOT/stubs" "$ROOT/usr/local/sbin"
      mount --rbind /dev "$ROOT/dev"
      mount -t proc proc "$ROOT/proc"`;
    const options = { all: true, reject: false, env: { ROOT: this.root } } as const;
    return execa('unshare', ['--mount', '--uts', 'bash', '-c', `set -e\n${mounts}\n${script}`], options);
  }

  /** Runs a command line in it, as systemd would; prints the host name afterwards. */
  inside(commandLine: string): Promise<Result<{ all: true; reject: false }>> {
    const path = 'PATH=/usr/local/sbin:/usr/sbin:/usr/bin';
    return this.outside(
      `chroot "$ROOT" /usr/bin/env -i ${path} bash -c '${commandLine}'; cat /proc/sys/kernel/hostname`,
    );
  }

  /** Starts what is enabled of our units. */
  boot(): Promise<Result<{ all: true; reject: false }>> {
    const enabled = '[[ ! -L /etc/systemd/system/multi-user.target.wants/$unit ]]';
    const name = 'cat /etc/hostname >/proc/sys/kernel/hostname';
    const units = 'dodai-{user-data,installed,await-owner}.service';
    return this.inside(`${name}; for unit in ${units}; do ${enabled} || systemctl start $unit; done`);
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
