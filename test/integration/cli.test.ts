import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventView, InstanceView, MachineView, WhyView } from '#contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CapturedRun, runCaptured } from '../../apps/cli/src/captured-io.js';
import type { CliIo } from '../../apps/cli/src/cli-io.js';
import { startIpmiSim, type IpmiSim } from '../support/ipmi-sim.js';
import { RunningController } from '../support/running-controller.js';
import { ImageBench } from '../support/image-tree.js';
import { makeSmallImage } from '../support/small-image.js';

let dodai: RunningController;
let bmc: IpmiSim;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-cli-'));
  [dodai, bmc] = await Promise.all([RunningController.start(), startIpmiSim()]);
});

afterAll(async () => {
  await Promise.all([dodai?.end(), bmc?.stop(), rm(folder, { recursive: true })]);
});

const sleep: CliIo['sleep'] = async (durationMs, signal) => {
  await pause(durationMs, undefined, { signal });
};

async function cli(args: string, given: Parameters<typeof runCaptured>[1] = {}): Promise<CapturedRun> {
  const env = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token, ...given.env };
  return runCaptured(args.split(' '), { now: () => new Date(), sleep, ...given, env });
}

/** Standard output that can be waited for. */
class Screen {
  text = '';
  #wake = () => {};

  write(text: string): void {
    this.text += text;
    this.#wake();
  }

  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** The document of a command that must succeed. */
async function json<Document>(args: string, given?: Parameters<typeof runCaptured>[1]): Promise<Document> {
  const { code, stdout, stderr } = await cli(`${args} --json`, given);
  expect({ code, stderr }, args).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Document;
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

const addOptions = (n: number) =>
  `--instance-type standard --bmc-host ${bmc.host} --bmc-port ${bmc.port} --bmc-user admin --pxe-mac 52:54:00:00:00:0${n}`;

describe('a disk layout', () => {
  it('is read from a file, shown, and taken away again', async () => {
    const data = { use: 'data', mountPoint: '/srv', sizeMib: 'rest', fileSystem: 'xfs', encrypted: true };
    const volumes = [{ use: 'root', sizeMib: 10_240 }, data];
    const layout = { raid1: true, partitions: [{ use: 'lvm', sizeMib: 'rest', volumes }] };
    const file = await fileOf('layout.json', JSON.stringify(layout));
    const { code } = await cli(
      `instance-types add divided --vcpus 1 --memory-mb 512 --local-gb 40 --disk-layout ${file}`,
    );
    expect(code).toBe(0);
    const { stdout } = await cli('instance-types show divided');
    expect(stdout).toMatch(
      /Disks +two, RAID 1\nPartition system +lvm, rest\n +volume root +root, 10 GiB\n +volume srv +data, rest, xfs, at \/srv, encrypted\n/,
    );
    expect((await cli('instance-types list')).stdout).toMatch(/divided .*own layout/);
    expect(await json('instance-types set divided --disk-layout none')).toMatchObject({ diskLayout: null });
  });

  it('that is no JSON, or means nothing, is refused with what is wrong', async () => {
    const torn = await fileOf('torn.json', '{"partitions": [');
    expect(await cli(`instance-types set divided --disk-layout ${torn}`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/torn\.json is not JSON: /),
    });
    const rootless = await fileOf('rootless.json', '{"partitions": []}');
    expect(await cli(`instance-types set divided --disk-layout ${rootless}`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/diskLayout\.partitions:? have no root: add one/),
    });
  });
});

describe('the token', () => {
  it('that is missing or wrong ends with 6', async () => {
    expect(await cli('machines list', { env: { DODAI_TOKEN: 'wrong' } })).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('does not accept this API token'),
    });
    const tokenFile = await fileOf('token', `${dodai.token}\n`);
    expect(
      await cli('machines list', { env: { DODAI_TOKEN: '', DODAI_TOKEN_FILE: tokenFile } }),
    ).toMatchObject({
      code: 0,
    });
  });
});

describe('instance types', () => {
  it('are made, changed and listed', async () => {
    const sizes = '--root-size-mib 64 --swap-size-mib 64 --kdump-size-mib 64';
    await json(`instance-types add standard --vcpus 2 --memory-mb 1024 --local-gb 8 ${sizes}`);
    await json('instance-types set standard --wipe-mode quick');
    const { stdout } = await cli('instance-types list');
    expect(stdout).toMatch(/^NAME .*\n/);
    expect(stdout).toMatch(/^standard {2}2 .* 1 GiB .* quick {2,}-$/m);
  });

  it('of a name that is taken end with 5', async () => {
    const { code, stderr } = await cli('instance-types add standard --vcpus 2 --memory-mb 1 --local-gb 80');
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('What to do: ') });
  });
});

describe('machines', () => {
  it('whose BMC refuses the password end with 1 and are kept', async () => {
    const { code, stderr } = await cli(`machines add m1 ${addOptions(1)} --bmc-password-stdin`, {
      input: 'no\n',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('does not accept the password of the user admin');
    expect(stderr).toContain('dodai machines verify m1');
    expect((await cli('machines list')).stdout).toMatch(/^m1 +verify_failed .*\n\nm1: .* password/m);
  });

  it('are mended and checked again', async () => {
    const env = { DODAI_BMC_PASSWORD: bmc.password };
    await json('machines set m1 --label rack=1 --label row=2 --pxe-ip 10.99.0.1', { env });
    await json('machines set m1 --storage-ip 10.98.0.1 --vlan-id 12');
    const emptied = await json<MachineView>('machines set m1 --storage-ip none --vlan-id none');
    expect(emptied).toMatchObject({ storageIp: null, vlanId: null });
    await json('machines set m1 --remove-label row --root-disk minSizeGb=4 --root-disk rotational=false');
    expect(await json<MachineView>('machines verify m1')).toMatchObject({
      state: 'inactive',
      labels: { rack: '1' },
      pxeIp: '10.99.0.1',
      rootDeviceHint: { minSizeGb: 4, rotational: false },
      power: { state: 'off' },
    });
  });

  it('say where they stand', async () => {
    const { code, stdout } = await cli('why m1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^m1 is inactive, its power is off\.\n\nSince .*\n/);
    expect(stdout).toContain('It is free. Nothing is awaited. [free]\nCheck next:\n  1. Nothing.\n');
    expect((await cli('why nobody')).code).toBe(4);
  });

  it('are checked without being waited for when that is asked', async () => {
    const [last] = await json<EventView[]>('events --limit 1');
    const { code, stderr } = await cli('machines verify m1 --no-wait');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Its BMC is still being checked: dodai machines show m1\n',
    });
    await dodai.untilEvent('/v1/machines/m1/events', ({ data }) => data.to === 'inactive', last?.id);
  });

  it('of a malformed MAC address end with 2 and name the field', async () => {
    const add = `machines add m9 ${addOptions(9)} --bmc-password-stdin`.replace('52:54', '52:5x');
    const { code, stderr } = await cli(add, { input: 'secret' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Error: Invalid request\n {2}pxeMac is not the MAC address/);
  });

  it('that are not there end with 4', async () => {
    expect((await cli('machines show m9')).code).toBe(4);
  });

  it('are imported all or none, with each fault and its row', async () => {
    const heading = 'name,instanceType,bmcHost,bmcUser,bmcPassword,pxeMac';
    const rows = [
      'm7,standard,10.99.0.200,admin,x,52:54:00:00:00:07',
      'm8,none,10.99.0.201,admin,x,52:54:00:00:00:08',
    ];
    const file = await fileOf('machines.csv', [heading, ...rows].join('\n'));
    const { code, stderr } = await cli(`machines import ${file}`);
    expect(code).toBe(2);
    expect(stderr).toContain('row 3, instanceType there is no instance type none');
    expect(await json<MachineView[]>('machines list')).toHaveLength(1);
  });

  it('are switched through their BMC, and removed', async () => {
    expect(await json('power on m1')).toMatchObject({ machine: 'm1', state: 'on' });
    expect(bmc.powerState()).toBe('on');
    await json('power off m1');
    expect((await cli('power status m1')).stdout).toMatch(/^m1: off (just now|\ds ago)\n$/);
  });
});

describe('an image', () => {
  it('is sent, listed and shown', async () => {
    const { data, sha256 } = await makeSmallImage(8);
    const file = await fileOf('debian.ext4.zst', data);
    await json(`images import ${file} --name debian --sha256 ${sha256} --default-user debian`);
    expect((await cli('images list')).stdout).toMatch(/debian .* ext4 file system {2}8.39 MB .* debian/);
  });

  it('is checked', async () => {
    const bench = await ImageBench.make();
    try {
      const good = await bench.ext(await bench.tree());
      const bad = await bench.ext(await bench.tree({ 'usr/sbin/sshd': null, 'boot/initrd.img-6.1.0': null }));
      const { stdout } = await cli(`images import ${good} --name good`);
      expect(stdout).toMatch(
        /Operating system +Debian GNU\/Linux 12[^]*Check +all requirements met\nImported .*\n$/,
      );
      expect(await cli('images check good')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^ok +ssh-server +An SSH server is installed and enabled\.$/m),
      });
      const { stdout: said } = await cli(`images import ${bad} --name bad`);
      expect(said).toMatch(
        /^warning kernel: .*initramfs.*\n {2}Make one.*\nfault ssh-server: .*\n {2}Install one/m,
      );
      expect(await cli('image check bad')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('It has no SSH server'),
        stderr: expect.stringContaining('The image bad has 1 fault, 1 warning.'),
      });
    } finally {
      for (const name of ['good', 'bad']) await cli(`images delete ${name}`);
      await bench.remove();
    }
  });

  it('of a whole disk is shown with its partitions', async () => {
    const bench = await ImageBench.make();
    try {
      const root = await bench.ext(await bench.tree());
      const gpt = ['-n1:2048:+1M', '-t1:ef02', '-n2:4096:0', '-c2:root'];
      const disk = await bench.disk(40, { gpt }, { 2: root });
      expect(await cli(`images import ${disk} --name disk`)).toMatchObject({ code: 0 });
      expect((await cli('images show disk')).stdout).toMatch(
        /Partitions +GPT, for sectors of 512 bytes\n +1: 1.05 MB\n +2 root: ext4, 39.8 MB, the root\n/,
      );
    } finally {
      await cli('images delete disk');
      await bench.remove();
    }
  });

  it('needs no digest, which is then that of the file', async () => {
    const { data, sha256 } = await makeSmallImage(9);
    const file = await fileOf('plain.ext4.zst', data);
    expect(await json(`images import ${file} --name plain`)).toMatchObject({ sourceSha256: sha256 });
    await json('images delete plain');
    expect(await cli('images import /nowhere --name plain')).toMatchObject({ code: 2 });
  });

  it('may be told by its SHA-512, or by a list of digests', async () => {
    const { data } = await makeSmallImage(10);
    const file = await fileOf('listed.ext4.zst', data);
    const sha512 = createHash('sha512').update(data).digest('hex');
    await json(`images import ${file} --name listed --sha512 ${sha512}`);
    await json('images delete listed');
    const sums = await fileOf('SHA512SUMS', `${sha512} *listed.ext4.zst\n`);
    await json(`images import ${file} --name listed --sums ${sums}`);
    await json('images delete listed');
  });

  it('that is not in the list is not sent', async () => {
    const file = await fileOf('unlisted', 'no image');
    const sums = await fileOf('SHA256SUMS', `${'0'.repeat(64)}  another\n`);
    const { code, stderr } = await cli(`images import ${file} --name x --sums ${sums}`);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no line for unlisted, only for another'),
    });
    expect(stderr).toContain('What to do: Take the list');
    const both = await cli(`images import ${file} --name x --sums ${sums} --sha256 ${'0'.repeat(64)}`);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be used with') });
  });

  it('of another digest ends with 1 and is not kept', async () => {
    const file = await fileOf('other', 'no image');
    const { code, stderr } = await cli(`images import ${file} --name other --sha256 ${'0'.repeat(64)}`);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('Image') });
    expect(await json<unknown[]>('images list')).toHaveLength(1);
  });
});

describe('an instance', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK me@desk';

  const idOf = async () => (await json<InstanceView[]>('instances list'))[0]?.id ?? '';

  /** The token that the script of the machine carries while the live image is what it boots. */
  async function tokenIn(script: 'create.sh' | 'delete.sh'): Promise<string | undefined> {
    const id = await idOf();
    const { body } = await dodai.ask<string & object>('GET', `/boot/instances/${id}/${script}`, {
      token: null,
    });
    return /^TOKEN='?([\w-]+)'?$/m.exec(body)?.[1];
  }

  /** Speaks as the machine does. */
  async function machineSays(token: string | undefined, ...words: object[]): Promise<void> {
    const path = `/v1/instances/${await idOf()}/notify`;
    for (const body of words) {
      expect((await dodai.ask('POST', path, { body, token })).status, JSON.stringify(body)).toBe(204);
    }
  }

  const reaches = async (stage: string, after?: string) =>
    dodai.untilEvent(`/v1/instances/${await idOf()}/events`, ({ data }) => data.to === stage, after);

  const lastEventId = async () => (await json<EventView[]>('events --limit 1'))[0]?.id;

  it('is spawned and watched until it is installed', async () => {
    const keys = await fileOf('key.pub', `${key}\n# a comment\n`);
    const spawn = `spawn db1 --image debian --instance-type standard --ssh-key ${keys}`;
    expect(await json<InstanceView>(spawn)).toMatchObject({
      state: 'building',
      configuration: { sshKeys: [key] },
    });
    const stdout = new Screen();
    const watching = cli('watch db1', { stdout });
    await stdout.until('booting');
    const token = await tokenIn('create.sh');
    await machineSays(token, { state: 'install', progress: 0 }, { state: 'install', progress: 55 });
    await stdout.until('50 %');
    await machineSays(token, { state: 'install_reboot' });
    await reaches('booting_disk');
    await machineSays(token, { state: 'installed' });
    const { code, stderr } = await watching;
    expect(code).toBe(0);
    expect(stdout.text).toMatch(/s {2}install +50 %/);
    expect(stdout.text).toMatch(/✔ booting_disk +\d+s\n {2}✔ installed +\d+s\n$/);
    expect(stderr).toMatch(
      /^db1 is installed, \d+s after it was asked for.\nLog in: ssh debian@10.99.0.1\n$/,
    );
  });

  it('is on the timeline, the last events first asked for, in their order', async () => {
    const events = await json<EventView[]>('events --instance db1 --limit 3');
    expect(events).toHaveLength(3);
    expect(events.map(({ id }) => BigInt(id))).toEqual(events.map(({ id }) => BigInt(id)).sort());
    expect((await cli('events --machine m1')).stdout).toMatch(/m1 +state.changed +/);
  });

  it('is followed by its events, listed ones first, until Ctrl-C', async () => {
    const interrupt = new AbortController();
    const stdout = new Screen();
    const after = await lastEventId();
    const following = cli(`events --follow --after ${after} --json`, { stdout, signal: interrupt.signal });
    await cli('power reset m1');
    await stdout.until('"kind":"bmc.command"');
    interrupt.abort();
    expect((await following).code).toBe(130);
    const lines = stdout.text.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as EventView).kind)[0]).toBe('verb.asked');
  });

  it('is destroyed, and the failure of that is told with its remedy', async () => {
    const last = await lastEventId();
    const destroying = cli('destroy db1 --wait --json');
    await reaches('booting', last);
    const token = await tokenIn('delete.sh');
    await machineSays(token, { state: 'delete' }, { state: 'failed', message: 'the disk is gone' });
    const { code, stdout, stderr } = await destroying;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'error' });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { detail: expect.stringContaining('the disk is gone'), remedy: expect.any(String) },
    });
    const { stdout: list } = await cli('instances list');
    expect(list).toContain('the disk is gone');
    expect(list).toContain('dodai why');
    const why = await json<WhyView>('why db1');
    expect(why.headline).toMatch(/^m1 is delete_failed \(delete\): .*the disk is gone$/);
    expect(why.findings[0]).toMatchObject({ rule: 'wipe-failed', missing: expect.any(String) });
    expect(why.nextVerbs).toContain('retry');
  });

  it('is destroyed in the end, and gone from the list', async () => {
    const last = await lastEventId();
    const destroying = cli('destroy db1 --wait');
    await reaches('booting', last);
    await machineSays(await tokenIn('delete.sh'), { state: 'delete' }, { state: 'deleted' });
    expect(await destroying).toMatchObject({
      code: 0,
      stderr: 'db1 is deleted; its machine is back in the pool.\n',
    });
    expect(await json('instances list')).toEqual([]);
    expect(await json<unknown[]>('instances list --all')).toHaveLength(1);
    expect((await cli('instances show db1')).code).toBe(4);
  });

  it('that nothing is free for ends with 5', async () => {
    await json('machines delete m1');
    const { code, stderr } = await cli('spawn db2 --image debian --instance-type standard');
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('What to do: ') });
  });
});
