import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '#platform';
import { type TemplateContext, TemplateRenderer } from '#templates';
import { DebianInstallerRoot } from '../support/debian-installer-root.js';
import { InstallerController } from '../support/installer-controller.js';
import { SmallOs } from '../support/small-os.js';

const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 owner@desk';

/**
 * As finish-install does it: it makes the list of its hooks, then runs one after the other. 07preseed runs the last command of the answer
 * file. The others are not ours to try.
 */
const finishInstall = `
  for hook in $(ls /usr/lib/finish-install.d); do
    case $hook in
      07preseed) sh /run/dodai.sh finish </dev/null || echo "late_command ended with status $?" ;;
      96dodai) "/usr/lib/finish-install.d/$hook" ;;
    esac
  done`;

describe('our script in the installer of Debian', () => {
  let installer: DebianInstallerRoot;
  let controller: InstallerController;
  let os: SmallOs;
  let dir: string;

  beforeAll(async () => {
    installer = await DebianInstallerRoot.make();
  });
  afterAll(() => installer?.remove());

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'debian-installer-script-'));
    os = await SmallOs.make('127.0.0.1 localhost\n');
    controller = new InstallerController({ chunks: join(dir, 'finish.sh'), list: '' });
    await controller.start();
    return async () => {
      await controller.stop();
      await os.remove();
      await rm(dir, { recursive: true });
    };
  });

  async function install(more: Partial<TemplateContext<'netinstall/finish.sh'>> = {}): Promise<string> {
    const speaker = { instanceId: 'instance-1', controllerUrl: controller.url, token: 'the-token' };
    const finishUrl = `${controller.url}/finish.sh`;
    const [script, finish] = await Promise.all([
      renderer.render('netinstall/installer.sh', {
        ...speaker,
        finishUrl,
        device: '/dev/dodai-disk',
        hint: {},
        neededBytes: 4_000_000_000,
      }),
      renderer.render('netinstall/finish.sh', {
        ...speaker,
        hostName: 'web1',
        sshKeys: [key],
        userData: null,
        imageId: 'image',
        imageType: 'node',
        pxeMac: '52:54:00:00:00:01',
        ...more,
      }),
    ]);
    await writeFile(installer.path('dodai.sh'), script);
    await writeFile(join(dir, 'finish.sh'), finish);
    const result = await installer.run(`cp /dodai.sh /run\nsh /run/dodai.sh begin\n${finishInstall}`, os);
    expect(result.exitCode).toBe(0);
    return result.all;
  }

  const words = () => controller.notifications.map(({ state, progress }) => `${state} ${progress ?? ''}`);

  it('makes the OS its owner’s, and says so when the disk is closed', async () => {
    await install();
    expect(words()).toEqual(['install 0', 'install 94', 'install_reboot 100']);
    expect(await os.read('etc/hostname')).toBe('web1\n');
    expect(await os.read('root/.ssh/authorized_keys')).toBe(`${key}\n`);
    expect(await os.read('etc/dodai/instance.env')).toContain('NOTIFY_TOKEN=the-token');
    expect(existsSync(os.path('etc/systemd/system/dodai-installed.service'))).toBe(true);
    expect(existsSync(os.path('dodai-finish.sh'))).toBe(false);
  });

  it('tells why that failed, and then not that the OS is installed', async () => {
    expect(await install({ needsCloudInit: true })).toContain('late_command ended with status 1');
    expect(words()).toEqual(['install 0', 'install 94', 'failed ']);
    expect(controller.notifications.at(-1)?.message).toMatch(
      /^the finish script: .*the user data .*cloud-init/,
    );
  });
});
