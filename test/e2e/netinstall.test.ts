import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { InstanceView } from '#contract';
import type { AnswerFormat } from '#core';
import { ensureImage, instanceType } from '../../apps/quickstart/src/inventory.js';
import { commandLineTree } from './command-line-tree.js';
import { debianInstallerTree } from './debian-installer.js';
import { factsWith } from './facts.js';
import { cacheDir, RackUnderTest } from './rack-under-test.js';

const image = 'debian-netinst';
const beginMs = 400_000;
const bootMs = 400_000;

/** What loaders and kernels could take for something of theirs. */
const oddWord = 'odd=a;b%20c&d$e';
const typeWords = 'console=tty0 console=ttyS0,115200n8 rack=e2e-netinstall';
const worded = { ...instanceType, name: 'rack-worded', kernelArguments: typeWords };

interface Place {
  /** Where the instance's files are. */
  files: string;
  /** Where the image's files are. */
  tree: string;
}

interface CommandLineCase {
  machine: string;
  firmware: string;
  format: AnswerFormat;
  /** What its installer has to be told, by its own documentation. */
  words: (place: Place) => string[];
  /** What it then asks for. */
  files: string[];
}

/** The installers that are not Debian's: their command lines, with a kernel of Debian's. */
const commandLines: CommandLineCase[] = [
  {
    machine: 'm2',
    firmware: 'uefi',
    format: 'autoinstall',
    words: ({ files }) => ['autoinstall', `ds=nocloud-net;s=${files}/`, 'ip=dhcp'],
    files: ['user-data', 'meta-data', 'vendor-data'],
  },
  {
    machine: 'm3',
    firmware: 'bios',
    format: 'kickstart',
    words: ({ files, tree }) => [
      `inst.ks=${files}/kickstart.cfg`,
      `inst.repo=${tree}`,
      'inst.text',
      'ip=dhcp',
    ],
    files: ['kickstart.cfg'],
  },
  {
    machine: 'm4',
    firmware: 'bios',
    format: 'autoyast',
    words: ({ files, tree }) => [
      `autoyast=${files}/autoyast.xml`,
      `install=${tree}`,
      'netsetup=dhcp',
      'textmode=1',
    ],
    files: ['autoyast.xml'],
  },
];

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

describe.sequential('netinstall', () => {
  let site: RackUnderTest;
  let dir: string;
  let instances: InstanceView[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'dodai-e2e-netinstall-'));
    site = await RackUnderTest.raise('e2e-netinstall', [
      { disks: ['virtio:6G', 'mmc:8G'], memoryMiB: 1024 },
      ...commandLines.map(({ firmware }) => ({ firmware, memoryMiB: 512 })),
    ]);
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
    await site.client.createInstanceType(worded);
    const tree = await commandLineTree(dir, cacheDir);
    for (const { machine, format } of commandLines) {
      await site.client.updateMachine(machine, { instanceType: worded.name });
      await ensureImage(site.client, { name: format, file: tree, defaultUser: 'root' });
      await site.client.updateImage(format, {
        install: {
          method: 'netinstall',
          kernel: 'linux',
          initrd: 'initrd.gz',
          kernelArguments: oddWord,
          answerFile: { format, text: null },
        },
      });
    }
  });
  afterAll(async () => {
    await site?.down();
    await rm(dir, { recursive: true, force: true });
  });

  const fact = factsWith(() => site.evidence(instances));
  const spawn = (machine: string, wish: { image: string; instanceType: string }) =>
    site.client.spawn({ hostName: `host-${machine}`, machine, sshKeys: [site.owner.publicKey], ...wish });

  /** All of the first timeline, when one says this; or when the work is over, or takes too long. */
  async function messagesUntil(said: RegExp): Promise<string[]> {
    const deadlineMs = performance.now() + beginMs;
    const { id = '' } = instances[0] ?? {};
    for (;;) {
      const told: string[] = [];
      for await (const { message } of site.client.listEvents({ instanceId: id })) told.push(message);
      const { state } = await site.client.instance(id);
      const isOver = state !== 'building' || performance.now() > deadlineMs;
      if (isOver || told.some((each) => said.test(each))) return told;
      await delay(1_000);
    }
  }

  fact('Debian’s installer fetches its answers from us, reports install, and finds the disk', async () => {
    instances = [await spawn('m1', { image, instanceType: instanceType.name })];
    // Loaders are easily put out by a processor that does not come to them: the others begin when this one is done.
    await messagesUntil(/^fetched .*\/tree\/initrd\.gz$/);
    const others = commandLines.map(({ machine, format }) =>
      spawn(machine, { image: format, instanceType: worded.name }),
    );
    instances = [...instances, ...(await Promise.all(others))];
    expect(instances.map(({ installMethod }) => installMethod)).toEqual(instances.map(() => 'netinstall'));
    const told = await messagesUntil(/the OS goes to/);
    expect(told).toContainEqual(expect.stringContaining('says install 0 %: the installer has its answers'));
    expect(told).toContainEqual(
      expect.stringMatching(/says install 15 %: the OS goes to \/dev\/mmcblk0 \(.*8589934592 bytes/),
    );
  });

  fact('it sends its log while it is written, by which its steps are known', async () => {
    expect(await messagesUntil(/says install: /)).toContainEqual(
      expect.stringMatching(/says install: [a-z-]+$/),
    );
    expect(await site.eventKinds(instances[0]?.id ?? '')).toContain('installer.log');
  });

  for (const each of commandLines)
    fact(
      `${each.format} over ${each.firmware}: the command line arrives whole, and leads to our answers`,
      () => proveCommandLine(each),
    );

  async function proveCommandLine({ machine, words, files }: CommandLineCase): Promise<void> {
    const { id, image: its } = instances.find(({ hostName }) => hostName === `host-${machine}`)!;
    const shown = async () => squeezed(await site.rack.serialLog(machine));
    await expect
      .poll(shown, { timeout: bootMs, interval: 500 })
      .toContain(squeezed('all files were asked for'));
    const said = await shown();
    const { publicUrl } = site;
    const place = {
      files: `${publicUrl}/boot/instances/${id}`,
      tree: `${publicUrl}/boot/images/${its?.id}/tree`,
    };
    const card = `BOOTIF=01-${site.rack.machine(machine).mac.replaceAll(':', '-')}`;
    const expected = [...words(place), card, oddWord, ...typeWords.split(' ')];
    expect(wordsIn(said)).toEqual(expected.map(squeezed));
    expect(said).not.toMatch(/^failed: /m);
    for (const command of ['/installer.sh', 'sh /run/dodai.sh begin', 'sh /run/dodai.sh finish'])
      expect(said).toContain(squeezed(command));
    const fetched: unknown[] = [];
    for await (const { kind, data } of site.client.listEvents({ instanceId: id }))
      if (kind === 'http.completed') fetched.push(data['path']);
    expect(fetched).toEqual(expect.arrayContaining(files.map((file) => `/boot/instances/${id}/${file}`)));
  }
});

/** QEMU logs a character twice when whoever reads the line was busy: here none is there twice in a row. */
function squeezed(text: string): string {
  return text.replaceAll('\r', '').replaceAll(/(.)\1+/g, '$1');
}

/** Without what the loaders add for themselves, pxelinux the card a second time. */
function wordsIn(shown: string): string[] {
  const [, line = ''] = /words: (.*)$/m.exec(shown) ?? [];
  const ofLoaders = ['BOOT_IMAGE=', 'initrd='].map(squeezed);
  return [...new Set(line.split(' '))].filter((word) => !ofLoaders.some((own) => word.startsWith(own)));
}
