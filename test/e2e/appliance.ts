import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { partitionsOf } from './disk-layout.js';

const sectorBytes = 512;

/** What is not in the demo image, because its installer makes it: host keys, and a network. */
const commands = (folder: string) => `
cd /etc/ssh
write ${folder}/ssh_host_ed25519_key ssh_host_ed25519_key
write ${folder}/ssh_host_ed25519_key.pub ssh_host_ed25519_key.pub
cd /etc/systemd/network
write ${folder}/10-any.network 10-any.network
cd /etc/systemd/system/multi-user.target.wants
symlink systemd-networkd.service /lib/systemd/system/systemd-networkd.service
`;

/** What a person could do to a machine that is off: puts an OS of their own on its disk, without any of our installers. */
export async function writeAppliance(image: string, disk: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dodai-appliance-'));
  try {
    await execa('qemu-img', ['convert', '-n', '-O', 'raw', image, disk]);
    await execa('ssh-keygen', [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-f',
      path.join(folder, 'ssh_host_ed25519_key'),
    ]);
    await writeFile(path.join(folder, '10-any.network'), '[Match]\nName=e*\n[Network]\nDHCP=ipv4\n');
    const root = (await partitionsOf(disk)).find(({ name }) => name === 'root');
    const fileSystem = `${disk}?offset=${(root?.firstSector ?? 0) * sectorBytes}`;
    await execa('debugfs', ['-w', '-f', '-', fileSystem], { input: commands(folder) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
