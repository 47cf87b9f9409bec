import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { vi } from 'vitest';
import { freePort } from '../../apps/quickstart/src/free-port.js';

const packageName = 'apt-cacher-ng';
/** It takes no port above 32767. */
const firstPort = 3142;
const startMs = 20_000;

/**
 * Debian's caching proxy on a loopback port of this host. It is unpacked and not installed; all its files are in a directory of its
 * own, and what it has fetched stays there for the next run.
 */
export class CachingProxy {
  private constructor(
    readonly port: number,
    private readonly program: ReturnType<typeof run>,
  ) {}

  static async start(cacheDir: string): Promise<CachingProxy> {
    const dir = path.join(cacheDir, packageName);
    const root = await unpacked(dir);
    const port = await lowFreePort();
    const configuration = path.join(dir, 'configuration');
    await mkdir(configuration, { recursive: true });
    await writeFile(path.join(configuration, 'acng.conf'), await settings(dir, root, port));
    const proxy = new CachingProxy(port, run(root, configuration));
    try {
      await vi.waitFor(() => proxy.answers(), { timeout: startMs });
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  async stop(): Promise<void> {
    this.program.kill();
    await this.program;
  }

  /** Throws where it does not. */
  private async answers(): Promise<void> {
    await execa('curl', ['--silent', '--output', '/dev/null', `http://127.0.0.1:${this.port}/`]);
  }
}

/** It ends with this process, too. */
function run(root: string, configuration: string) {
  return execa(path.join(root, 'usr/sbin', packageName), ['-c', configuration], {
    env: { LD_LIBRARY_PATH: path.join(root, 'usr/lib/x86_64-linux-gnu') },
    stdio: 'ignore',
    reject: false,
  });
}

/** The package, with what it needs and this host does not have. */
async function unpacked(dir: string): Promise<string> {
  const root = path.join(dir, 'root');
  if (existsSync(root)) return root;
  const archives = path.join(dir, 'archives');
  await mkdir(path.join(archives, 'partial'), { recursive: true });
  await execa('apt-get', [
    'install',
    '--yes',
    '--reinstall',
    '--download-only',
    '--no-install-recommends',
    ...['-o', `Dir::Cache::archives=${archives}`],
    packageName,
  ]);
  const half = `${root}.new`;
  await rm(half, { recursive: true, force: true });
  for (const deb of (await readdir(archives)).filter((name) => name.endsWith('.deb')))
    await execa('dpkg-deb', ['--extract', path.join(archives, deb), half]);
  await rename(half, root);
  await rm(archives, { recursive: true });
  return root;
}

async function lowFreePort(): Promise<number> {
  let port = firstPort;
  while ((await freePort(port)) === undefined) port += 1;
  return port;
}

/** A proxy that this host itself needs to reach its package source is asked in turn. */
async function settings(dir: string, root: string, port: number): Promise<string> {
  const { stdout: proxy } = await execa('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy']);
  const [, own] = /^proxy='(.+)'$/m.exec(proxy) ?? [];
  return [
    'ForeGround: 1',
    'BindAddress: 127.0.0.1',
    `Port: ${port}`,
    `SocketPath: ${dir}/socket`,
    `CacheDir: ${dir}/cache`,
    `LogDir: ${dir}/log`,
    `SupportDir: ${root}/usr/lib/apt-cacher-ng`,
    ...(own ? [`Proxy: ${own}`] : []),
    '',
  ].join('\n');
}
