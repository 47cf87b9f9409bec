import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { tftpGet } from '../support/tftp-client.js';

export interface BenchServer {
  name: string;
  host: string;
  port: number;
  /** It knows RFC 7440. */
  hasWindows: boolean;
}

interface ServerProgram extends BenchServer {
  command: (root: string, debian: string) => string[];
}

/** Of the servers to compare with; unpacked, not installed, since their packages start a daemon. */
const packages = ['tftpd-hpa', 'atftpd', 'libwrap0'];

const programs: ServerProgram[] = [
  {
    name: 'dodai',
    host: '127.0.0.5',
    port: 6969,
    hasWindows: true,
    command: (root) => ['node', join(import.meta.dirname, 'tftp-our-server.js'), '127.0.0.5', '6969', root],
  },
  {
    name: 'tftpd-hpa',
    host: '127.0.0.2',
    port: 6969,
    hasWindows: false,
    command: (root, debian) => [
      `${debian}/usr/sbin/in.tftpd`,
      ...'-L -a 127.0.0.2:6969 -u root -s'.split(' '),
      root,
    ],
  },
  {
    name: 'atftpd',
    host: '127.0.0.3',
    port: 6969,
    hasWindows: true,
    command: (root, debian) => [
      `${debian}/usr/sbin/atftpd`,
      ...'--daemon --no-fork --user root --group root --bind-address 127.0.0.3 --port 6969'.split(' '),
      ...['--maxthread', '1000', root],
    ],
  },
  {
    name: 'dnsmasq',
    host: '127.0.0.4',
    port: 69, // it knows no other
    hasWindows: false,
    command: (root) => [
      'dnsmasq',
      ...'-k --port=0 --conf-file=/dev/null --enable-tftp --tftp-max=1000 --user=root --pid-file='.split(' '),
      ...['--listen-address=127.0.0.4', '--bind-interfaces', `--tftp-root=${root}`],
    ],
  },
];

/** Starts all servers on `root`, hands them to `measure`, and ends them whatever happens. */
export async function withServers(
  root: string,
  probe: string,
  measure: (servers: BenchServer[]) => Promise<void>,
): Promise<void> {
  const debian = await debianServers();
  const running: ReturnType<typeof start>[] = [];
  try {
    for (const { command } of programs) {
      running.push(start(command(root, debian), debian));
    }
    for (const { name, host, port } of programs) {
      await tftpGet(probe, { host, port, retryMs: 200, maxTries: 50 }).catch((error: Error) => {
        throw new Error(`${name} does not serve on ${host} port ${port}: ${error.message}`);
      });
    }
    await measure(programs);
  } finally {
    for (const process of running) process.kill();
    await Promise.all(running);
  }
}

function start([file = '', ...args]: string[], debian: string) {
  const env = { LD_LIBRARY_PATH: `${debian}/usr/lib/x86_64-linux-gnu` };
  return execa(file, args, { reject: false, stdio: 'ignore', env });
}

async function debianServers(): Promise<string> {
  const cache = process.env.DODAI_CACHE_DIR ?? join(homedir(), '.cache', 'dodai');
  const directory = join(cache, 'bench-tftp');
  const root = join(directory, 'root');
  const isThere = await access(join(root, 'usr/sbin/in.tftpd')).then(
    () => true,
    () => false,
  );
  if (isThere) return root;
  console.log(`Fetching the Debian packages ${packages.join(', ')} to ${directory}`);
  await mkdir(directory, { recursive: true });
  await execa('apt-get', ['download', '-qq', ...packages], { cwd: directory, stderr: 'ignore' }).catch(() => {
    throw new Error(`apt-get could not download ${packages.join(', ')}: run apt-get update and try again`);
  });
  await execa('bash', ['-c', 'for each in *.deb; do dpkg-deb -x "$each" root; done'], { cwd: directory });
  return root;
}
