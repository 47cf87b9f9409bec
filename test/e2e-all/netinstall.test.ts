import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import { firstByteNotZero } from '../../apps/quickstart/src/disk-evidence.js';
import { ensureImage, instanceType } from '../../apps/quickstart/src/inventory.js';
import { projectRoot } from '../../apps/quickstart/src/project-root.js';
import { debianInstallerTree } from '../e2e/debian-installer.js';
import { factsWith } from '../e2e/facts.js';
import { cacheDir, RackUnderTest } from '../e2e/rack-under-test.js';
import { CachingProxy } from './caching-proxy.js';
import { OwnMirror, releaseOf } from './own-mirror.js';

const image = 'debian-netinst';
const defaultUser = 'root';
/** Debian's installer unpacks and sets up some hundred packages, on a processor that may be emulated. */
const installMs = 5_400_000;
const bootMs = 400_000;
const deleteMs = 600_000;
const proxyPort = 3142;

describe.sequential('a whole installation by the installer of Debian', () => {
  let site: RackUnderTest;
  let proxy: CachingProxy;
  let mirror: OwnMirror | undefined;
  let proxyUrl: string;
  let instances: InstanceView[] = [];
  /** Why it cannot be had here; empty: it can. */
  let obstacle = '';

  beforeAll(async () => {
    mirror = await OwnMirror.find();
    proxy = await CachingProxy.start(cacheDir);
    site = await RackUnderTest.raise('netinstall', [{ disks: ['sata:8G'], memoryMiB: 1536, cpus: 2 }]);
    await site.rack.offer(proxy.port, proxyPort);
    proxyUrl = `http://${site.rack.controllerAddress}:${proxyPort}`;
    const tree = await debianInstallerTree(cacheDir);
    obstacle = await obstacleOf(tree);
    if (obstacle) console.warn(obstacle);
    await ensureImage(site.client, { name: image, file: tree, defaultUser });
    await site.client.updateImage(image, {
      install: {
        method: 'netinstall',
        kernel: 'linux',
        initrd: 'initrd.gz',
        // No time servers and no updates: nothing is reached but the mirror.
        kernelArguments: `${mirror?.kernelArguments ?? ''} clock-setup/ntp=false apt-setup/services-select=`,
        answerFile: { format: 'preseed', text: await answers() },
      },
    });
  });
  afterAll(async () => {
    await site?.down();
    await proxy?.stop();
  });

  const fact = factsWith(() => site.evidence(instances));
  const factOfWhole = factsWith(
    () => site.evidence(instances),
    () => obstacle,
  );
  const login = (command: string) =>
    site.owner.run(site.rack, defaultUser, site.rack.machine('m1').ip, command);

  /** Ours, as an owner's that has the proxy: told on the command line, it would be asked for the answers too, and knows no controller. */
  async function answers(): Promise<string> {
    const ours = await readFile(path.join(projectRoot, 'templates/netinstall/preseed.cfg'), 'utf8');
    return `${ours}\nd-i mirror/http/proxy string ${proxyUrl}\n`;
  }

  async function obstacleOf(tree: string): Promise<string> {
    if (!mirror)
      return 'This host has no package source of Debian 12 over http://: add one to /etc/apt to have Debian’s installer tried whole.';
    const { stdout: kernel } = await execa('tar', ['-xOf', tree, 'linux'], { encoding: 'buffer' });
    const missing = await mirror.missing(site.rack, proxyUrl, releaseOf(kernel));
    if (missing.length === 0) return '';
    return (
      `The package source of this host (${mirror.url.host}) lacks what Debian's installer fetches: ${missing.join(', ')}. ` +
      'Name one that has all of Debian 12 in /etc/apt, and run this again.'
    );
  }

  fact('the mirror is reached from within the rack, through a proxy that this host offers', async () => {
    if (mirror) expect(await mirror.index(site.rack, proxyUrl)).toMatch(/^Package: finish-install$/m);
  });

  factOfWhole(
    'it is installed, and says how far it is',
    async () => {
      const wish = { hostName: 'netinst', machine: 'm1', image, instanceType: instanceType.name };
      const { id } = await site.client.spawn({ ...wish, sshKeys: [site.owner.publicKey] });
      instances = [await site.client.instance(id)];
      instances = [await site.until('installed', id, installMs)];
      expect(instances).toMatchObject([{ state: 'active', installMethod: 'netinstall' }]);
      const told: string[] = [];
      for await (const { message } of site.client.listEvents({ instanceId: id })) told.push(message);
      for (const step of [/install 0 %/, /the OS goes to \/dev\/sda/, /install 20 %/, /install_reboot/])
        expect(told).toContainEqual(expect.stringMatching(step));
    },
    installMs,
  );

  factOfWhole('it is its owner’s, with the kernel arguments of its type', async () => {
    expect(await login('hostname; findmnt --noheadings --output SOURCE /')).toMatch(
      /^netinst\n\/dev\/sda\d$/,
    );
    expect(await login('cat /proc/cmdline')).toContain('console=tty0 console=ttyS0,115200n8');
    const stranger = await site.stranger();
    await expect(stranger.run(site.rack, defaultUser, site.rack.machine('m1').ip, 'true')).rejects.toThrow(
      /Permission denied/,
    );
  });

  factOfWhole('a reset starts it again, and installs nothing', async () => {
    await login('echo kept >kept && sync');
    const before = (await site.rack.serialLog('m1')).length;
    await site.client.power('m1', 'reset');
    await site.waitForLogin('m1', 'netinst', bootMs, before);
    expect(await login('cat kept')).toBe('kept');
    expect((await site.client.instance(instances[0]?.id ?? '')).state).toBe('active');
  });

  factOfWhole('destroy leaves zeros on its disk', async () => {
    const { id = '' } = instances[0] ?? {};
    await site.client.destroy(id);
    await site.until('deleted', id, deleteMs);
    expect(await site.client.machine('m1')).toMatchObject({ state: 'inactive', instanceId: null });
    expect(await firstByteNotZero(site.rack.machine('m1').diskPaths[0] ?? '')).toBeUndefined();
  });
});
