import { afterAll, beforeAll, describe, expect } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceView } from '#contract';
import { ensureImage, instanceType } from '../../apps/quickstart/src/inventory.js';
import { debianInstallerTree } from './debian-installer.js';
import { factsWith } from './facts.js';
import { cacheDir, RackUnderTest } from './rack-under-test.js';

const image = 'debian-netinst';
const beginMs = 400_000;

/**
 * What an owner could have written: the disk is chosen at once, because without a mirror the installer gets no further than to ask for
 * one. It brings drivers for no other disk than a memory card; for all others it asks the mirror.
 */
const preseed = `d-i preseed/early_command string {{ dodai.begin }} && {{ dodai.disk }}
d-i partman/early_command string {{ dodai.disk }}
d-i preseed/late_command string {{ dodai.finish }}
d-i mirror/country string manual
d-i mirror/http/hostname string 127.0.0.1
d-i mirror/http/directory string /debian
d-i mirror/http/proxy string
`;

describe.sequential('the installer of Debian', () => {
  let site: RackUnderTest;
  let instance: InstanceView;

  beforeAll(async () => {
    site = await RackUnderTest.raise('e2e-netinstall', [{ disks: ['virtio:6G', 'mmc:8G'], memoryMiB: 1024 }]);
    await ensureImage(site.client, {
      name: image,
      file: await debianInstallerTree(cacheDir),
      defaultUser: 'root',
    });
    await site.client.updateImage(image, {
      install: {
        method: 'netinstall',
        kernel: 'linux',
        initrd: 'initrd.gz',
        kernelArguments: '',
        answerFile: { format: 'preseed', text: preseed },
      },
    });
  });
  afterAll(async () => {
    await site?.down();
  });

  const fact = factsWith(() => site.evidence([instance]));

  /** All of the timeline, when one says this; or when the work is over, or takes too long. */
  async function messagesUntil(text: string): Promise<string[]> {
    const deadlineMs = performance.now() + beginMs;
    for (;;) {
      const told: string[] = [];
      for await (const { message } of site.client.listEvents({ instanceId: instance.id })) told.push(message);
      const { state } = await site.client.instance(instance.id);
      const isOver = state !== 'building' || performance.now() > deadlineMs;
      if (isOver || told.some((each) => each.includes(text))) return told;
      await delay(1_000);
    }
  }

  fact('fetches its answers from us, reports install with its progress, and finds the disk', async () => {
    const [machine] = site.rack.machines;
    instance = await site.client.spawn({
      hostName: 'netinst',
      machine: machine!.name,
      image,
      instanceType: instanceType.name,
      sshKeys: [site.owner.publicKey],
    });
    expect(instance.installMethod).toBe('netinstall');
    const told = await messagesUntil('the OS goes to');
    expect(told).toContainEqual(expect.stringContaining('says install 0 %: the installer has its answers'));
    expect(told).toContainEqual(
      expect.stringMatching(/says install 15 %: the OS goes to \/dev\/mmcblk0 \(.*8589934592 bytes/),
    );
  });

  fact('sends its log while it is written, by which its steps are known', async () => {
    expect(await messagesUntil('says install: ')).toContainEqual(
      expect.stringMatching(/says install: [a-z-]+$/),
    );
    expect(await site.eventKinds(instance.id)).toContain('installer.log');
  });
});
