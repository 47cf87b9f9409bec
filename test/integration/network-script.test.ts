import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { wholeDiskPlan } from '#core';
import { projectRoot } from '#platform';
import { guestNetwork, TemplateRenderer } from '#templates';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const mac = '52:54:00:12:34:56';
const wants = 'etc/systemd/system/multi-user.target.wants';

let folder: string;
/** What create.sh has, without its work. */
let functions: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-network-'));
  const url = 'http://10.0.0.1:7071';
  const script = await new TemplateRenderer(join(projectRoot, 'templates')).render('create.sh', {
    instanceId: 'instance-1',
    controllerUrl: url,
    token: 'the-token',
    imageId: 'image-1',
    imageKind: 'file_system',
    imageType: 'node',
    imageUrl: url,
    imageChunksUrl: url,
    imageChunksSha256: 'ab'.repeat(32),
    imageCompressedBytes: 1,
    imageUncompressedBytes: 1,
    imageDataBytes: 1,
    bootMode: 'bios',
    hostName: 'host-1',
    pxeMac: mac,
    network: guestNetwork({ network: null, nics: [{ role: 'pxe', mac }] }),
    diskPlan: wholeDiskPlan(1),
  });
  functions = script.slice(0, script.indexOf('\nstart_steps install'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Sets up the network of an OS with these programs and links; what it asked systemctl for is in `calls`. */
async function configure(programs: string[], links: string[] = []) {
  const root = await mkdtemp(join(folder, 'root-'));
  for (const program of programs) {
    await mkdir(dirname(join(root, program)), { recursive: true });
    await writeFile(join(root, program), '#!/bin/sh\n');
    await chmod(join(root, program), 0o755);
  }
  for (const link of links) {
    await mkdir(dirname(join(root, link)), { recursive: true });
    await symlink('/nowhere', join(root, link));
  }
  const script = `${functions}
    rm -r "$WORK_DIR"
    TARGET=$1
    has_program() { [[ -e $TARGET/usr/sbin/$1 ]]; }
    in_target() { echo "$*"; }
    fail() { echo "$1" >&2; exit 1; }
    configure_network`;
  const { exitCode, stdout, stderr } = await execa('bash', ['-s', root], { reject: false, input: script });
  return { exitCode, stderr, calls: stdout, root };
}

describe('the network of an installed OS gets its address by DHCP, set up for', () => {
  it.each([
    ['netplan', ['usr/sbin/netplan', 'usr/sbin/NetworkManager'], [], 'etc/netplan/90-dodai.yaml', ''],
    [
      'ifupdown',
      ['usr/sbin/ifup', 'etc/network/interfaces'],
      [],
      'etc/udev/rules.d/70-dodai-cards.rules',
      '',
    ],
    [
      'systemd-networkd',
      ['usr/lib/systemd/systemd-networkd', 'usr/sbin/NetworkManager'],
      [],
      'etc/systemd/network/10-dodai-pxe0.network',
      'systemctl --quiet enable systemd-networkd.service',
    ],
    [
      'NetworkManager, which is enabled, beside systemd-networkd',
      ['usr/lib/systemd/systemd-networkd', 'usr/sbin/NetworkManager', 'usr/sbin/ifup'],
      [`${wants}/NetworkManager.service`],
      'etc/NetworkManager/system-connections/dodai-pxe0.nmconnection',
      'systemctl --quiet enable NetworkManager.service',
    ],
  ])('%s', async (_what, programs, links, file, calls) => {
    const done = await configure(programs, links);
    expect(done).toMatchObject({ exitCode: 0, calls });
    expect(await readFile(join(done.root, file), 'utf8')).toContain(mac);
  });

  it('NetworkManager, in a file that it accepts: of root alone', async () => {
    const { root } = await configure(['usr/sbin/NetworkManager']);
    const file = join(root, 'etc/NetworkManager/system-connections/dodai-pxe0.nmconnection');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toMatch(/\[ipv4\]\nmethod=auto\ndhcp-client-id=mac\n/);
  });

  it('nothing that it knows, which is a failure', async () => {
    expect(await configure(['usr/sbin/ifup'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        'none of netplan, ifupdown, systemd-networkd, NetworkManager and network-scripts',
      ),
    });
  });
});
