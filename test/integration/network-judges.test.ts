import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '#platform';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const unpacked = join(projectRoot, 'dist/network-managers');
const golden = join(projectRoot, 'libs/templates/src/golden/network');
const env = { LD_LIBRARY_PATH: join(unpacked, 'usr/lib/x86_64-linux-gnu') };
const names = ['default', 'rich'] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-judges-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A root directory with what an installed OS is given (libs/templates/src/network.spec.ts holds the files to be just that). */
async function rootWith(name: string): Promise<string> {
  const root = await mkdtemp(join(folder, 'root-'));
  const [, ...files] = (await readFile(join(golden, `${name}.txt`), 'utf8')).split(/^==> /m);
  for (const file of files) {
    const [head = '', ...lines] = file.split('\n');
    const [, path = '', mode = ''] = /^(\S+) \((\d+)\)$/.exec(head) ?? [];
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), lines.join('\n'), { mode: Number.parseInt(mode, 8) });
  }
  return root;
}

describe.each(names)('the network of an OS (%s) is understood', (name) => {
  it('by netplan, which warns of nothing', async () => {
    const root = await rootWith(`netplan-${name}`);
    const { all } = await execa(join(unpacked, 'usr/libexec/netplan/generate'), ['--root-dir', root], {
      all: true,
      env,
    });
    expect(all).toBe('');
    const made = await readdir(join(root, 'run/systemd/network'));
    expect(made).toContain('10-netplan-pxe0.network');
    expect(made.includes('10-netplan-tenant.netdev')).toBe(name === 'rich');
  });

  it('by ifupdown', async () => {
    const root = await rootWith(`ifupdown-${name}`);
    const ifquery = (...words: string[]) =>
      execa(
        join(unpacked, 'sbin/ifquery'),
        ['--interfaces', join(root, 'etc/network/interfaces'), ...words],
        { env },
      );
    const list = (await ifquery('--list')).stdout.split('\n');
    expect(list).toEqual(name === 'rich' ? ['lo', 'pxe0', 'bond0', 'tenant'] : ['lo', 'pxe0']);
    for (const link of list) expect((await ifquery(link)).stderr).toBe('');
  });

  it('by NetworkManager, which keeps every value of it', async () => {
    const root = await rootWith(`network-manager-${name}`);
    const connections = join(root, 'etc/NetworkManager/system-connections');
    for (const file of await readdir(connections)) {
      const input = await readFile(join(connections, file), 'utf8');
      const change = ['--offline', 'connection', 'modify', 'connection.autoconnect', 'yes'];
      const { stdout, stderr } = await execa(join(unpacked, 'usr/bin/nmcli'), change, { input, env });
      expect(stderr).toBe('');
      // It writes gateways behind the first address, and leaves out hops and ends that mean nothing.
      const values =
        input.match(/^(id|type|master|parent|mode|miimon|mtu|mac-address|method|dns)=.*$/gm) ?? [];
      expect(values.length).toBeGreaterThan(2);
      for (const value of values) expect(stdout.split('\n')).toContain(value);
      for (const [, address] of input.matchAll(/^(?:address\d+|gateway|route\d+)=([^,\n]+)/gm))
        expect(stdout).toContain(address);
    }
  });
});
