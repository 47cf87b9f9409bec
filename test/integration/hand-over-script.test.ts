import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type GuestReport, guestReport } from '#contract';
import { wholeDiskPlan } from '#core';
import { projectRoot } from '#platform';
import { guestNetwork, type TemplateContext, TemplateRenderer } from '#templates';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmallOs } from '../support/small-os.js';

const renderer = new TemplateRenderer(join(projectRoot, 'templates'));
const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 first@desk', "ssh-rsa AAAAB3NzaC1yc2E it's mine"];
const userData = '#!/bin/bash\necho "it\'s $(cat /proc/sys/kernel/hostname)" | tee -a /srv/said\nexit 3\n';
const [poolId, ownerId] = ['pool-instance', 'owner-instance'];

interface Word {
  instanceId: string | undefined;
  token: string | undefined;
  state: string;
  message?: string;
}

/** The controller as the OS sees it. */
class Controller {
  readonly words: Word[] = [];
  readonly reports: GuestReport[] = [];
  /** Answers to those who ask for their owner, one by one; the last one stays. */
  answers: (string | number)[] = [204];
  asked: { path: string | undefined; token: string | undefined }[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    const [, instanceId] = /^\/v1\/instances\/([^/]+)\/notify$/.exec(request.url ?? '') ?? [];
    if (request.method === 'POST') {
      const { report, ...word } = JSON.parse(await text(request)) as { state: string; report?: unknown };
      this.words.push({ instanceId, token, ...word });
      if (report !== undefined) this.reports.push(guestReport.parse(report));
      return void response.writeHead(204).end();
    }
    this.asked.push({ path: request.url, token });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (typeof answer === 'number') response.writeHead(answer).end();
    else if (answer === undefined) response.destroy();
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 100 }).write(answer, () => response.destroy());
    else response.writeHead(200, { 'content-length': Buffer.byteLength(answer) }).end(answer);
  }
}

let controller: Controller;
let controllerUrl: string;
let os: SmallOs;

beforeEach(async () => {
  controller = new Controller();
  controllerUrl = await controller.start();
  os = await SmallOs.make('127.0.0.1 localhost\n10.0.0.9 HOST storage\n');
});
afterEach(async () => {
  await controller.stop();
  await os.remove();
});

const bytes = 1_000_000;
const created = (): TemplateContext<'create.sh'> => ({
  instanceId: poolId,
  controllerUrl,
  token: 'pool-token',
  imageId: 'image',
  imageType: 'node',
  imageUrl: `${controllerUrl}/image`,
  imageKind: 'file_system',
  imageChunksUrl: `${controllerUrl}/image/chunks`,
  imageChunksSha256: 'ab'.repeat(32),
  imageCompressedBytes: bytes,
  imageUncompressedBytes: bytes,
  imageDataBytes: bytes,
  bootMode: 'bios',
  hostName: 'pool-1',
  pxeMac: '52:54:00:00:00:01',
  network: guestNetwork({ network: null, nics: [{ role: 'pxe', mac: '52:54:00:00:00:01' }] }),
  diskPlan: wholeDiskPlan(1),
});

/** What create.sh writes into the file system of the image, and none of its work on disks. */
async function create(context: TemplateContext<'create.sh'>): Promise<void> {
  const script = await renderer.render('create.sh', context);
  const functions = script.slice(0, script.indexOf('\nstart_steps install'));
  const steps = 'take_host_name; write_dodai_files; take_owner; set_up_network; rm -r "$WORK_DIR"';
  const result = await os.outside(`${functions}\nTARGET=$ROOT\n${steps}`);
  expect(result.all).toBe('');
  expect(result.exitCode).toBe(0);
}

function handOver(more: Partial<TemplateContext<'hand-over.sh'>> = {}): Promise<string> {
  const owner = { hostName: 'web1.example.org', sshKeys: keys, userData };
  return renderer.render('hand-over.sh', {
    instanceId: ownerId,
    controllerUrl,
    token: 'its-token',
    ...owner,
    ...more,
  });
}

/** Whatever was done to get there. */
async function expectOwned(): Promise<void> {
  expect(await os.read('etc/hostname')).toBe('web1.example.org\n');
  expect(await os.read('etc/hosts')).toBe(
    '127.0.0.1 localhost\n10.0.0.9 web1.example.org storage\n127.0.1.1\tweb1.example.org web1\n',
  );
  for (const home of ['root', 'home/debian']) {
    expect(await os.read(`${home}/.ssh/authorized_keys`)).toBe(keys.map((key) => `${key}\n`).join(''));
    expect(await os.mode(`${home}/.ssh/authorized_keys`)).toBe('600');
  }
  expect(await os.read('etc/dodai/instance.env')).toBe(
    `NOTIFY_URL=${controllerUrl}/v1/instances/${ownerId}/notify\nNOTIFY_TOKEN=its-token\n`,
  );
  expect(await os.mode('etc/dodai/instance.env')).toBe('600');
  expect(await os.read('etc/dodai/user-data')).toBe(userData);
  expect(await os.mode('etc/dodai/user-data')).toBe('700');
  expect(await os.read('srv/said')).toBe("it's web1.example.org\n");
  expect(await os.read('var/log/dodai-user-data.log')).toBe("it's web1.example.org\n");
  expect(await os.mode('var/log/dodai-user-data.log')).toBe('600');
  expect(await os.tree('etc')).not.toMatch(/(await-owner\S*|hand-over) \d+ |pool-token/);
  expect(controller.words.at(-1)).toEqual({
    instanceId: ownerId,
    token: 'its-token',
    state: 'installed',
    message: 'the user data ended with status 3',
  });
}

describe('an OS in the pool', () => {
  it('asks until it has an owner, and becomes theirs', async () => {
    await create({ ...created(), pooled: true });
    expect(await os.read('etc/hosts')).toContain('10.0.0.9 pool-1 storage');
    controller.answers = [503, 204, await handOver()];
    const { all } = await os.inside('/etc/dodai/await-owner');
    expect(all).toContain('asking for an owner was answered with HTTP 503');
    expect(all).toContain('this machine is now web1.example.org');
    expect(all).toMatch(/\nweb1\.example\.org$/);
    const ask = { path: `/v1/instances/${poolId}/owner?timeout=50`, token: 'pool-token' };
    expect(controller.asked).toEqual([ask, ask, ask]);
    expect(controller.words).toHaveLength(1);
    await expectOwned();
  });

  it('that is handed over twice ends the same, and runs the user data once', async () => {
    await create({ ...created(), pooled: true });
    await os.write('etc/dodai/hand-over', await handOver());
    await os.inside('cp /etc/dodai/hand-over /tmp/again; bash /etc/dodai/hand-over');
    const once = await os.tree('etc');
    await os.inside('bash /tmp/again');
    expect(await os.tree('etc')).toBe(once);
    await expectOwned();
  });

  it('keeps its network where its owner wants the same, with the files of its one network manager alone', async () => {
    await create({ ...created(), pooled: true });
    const before = await os.tree('etc/systemd/network');
    controller.answers = [await handOver({ network: created().network })];
    await os.inside('/etc/dodai/await-owner');
    expect(await os.tree('etc/systemd/network')).toBe(before);
    expect(await os.read('var/log/systemctl')).not.toContain('reboot');
    await expectOwned();
  });

  it.each(['daemon-reload', 'restart', 'disable'])(
    'that loses its power at systemctl %s goes on when it starts again',
    async (verb) => {
      await create({ ...created(), pooled: true });
      controller.answers = [await handOver()];
      await os.write('cut-at', verb);
      await os.boot();
      await os.boot();
      await expectOwned();
    },
  );

  it('says why it could not be handed over, and asks again', async () => {
    await create({ ...created(), pooled: true });
    await os.write('home/debian/.ssh', 'in the way');
    controller.answers = [await handOver()];
    await os.inside('/etc/dodai/await-owner');
    expect(controller.words).toMatchObject([{ instanceId: ownerId, token: 'its-token', state: 'failed' }]);
    expect(controller.words[0]?.message).toMatch(
      /^hand-over: take owner: command "mkdir .*" ended with status 1$/,
    );
    await expect(os.read('etc/dodai/hand-over')).rejects.toThrow('ENOENT');
    expect(await os.read('etc/dodai/instance.env')).toContain('pool-token');
  });
});

describe('an OS that was installed for its owner', () => {
  it('runs the user data once, and then says installed', async () => {
    await create({ ...created(), sshKeys: keys, userData });
    expect(await os.read('etc/dodai/instance.env')).toContain(poolId);
    await os.boot();
    await os.boot();
    expect(await os.read('srv/said')).toBe("it's pool-1\n");
    const message = 'the user data ended with status 3';
    expect(controller.words).toEqual([
      { instanceId: poolId, token: 'pool-token', state: 'installed', message },
    ]);
  });

  it('begins no user data a second time that a loss of power has cut short', async () => {
    await create({ ...created(), userData: '#!/bin/bash\necho begun >>/srv/said\nkill -9 $PPID\n' });
    await os.boot();
    await os.boot();
    expect(await os.read('srv/said')).toBe('begun\n');
    expect(controller.words).toMatchObject([{ state: 'installed', message: 'the user data still runs' }]);
  });

  it('has nothing left of what an image says that was taken from a machine in the pool', async () => {
    await create({ ...created(), pooled: true, userData: '#!/bin/sh\n' });
    await create({ ...created() });
    expect(await os.tree('etc')).not.toMatch(
      /\/etc\/dodai\/user-data\n|dodai-(await-owner|user-data)\.service 644/,
    );
    await os.boot();
    expect(controller.words).toEqual([{ instanceId: poolId, token: 'pool-token', state: 'installed' }]);
  });
});

const motd = { path: '/etc/motd.d/owner', base64: Buffer.from('hello\0').toString('base64') };
const secret = { path: '/srv/deep/secret', base64: '', mode: '0640', owner: 'debian:root' };

describe('what an owner asks for', () => {
  it('are files with their modes and owners, and a password for the default account, and both are reported', async () => {
    const files = [{ ...motd, mode: '0644', owner: 'root:root' }, secret];
    await create({ ...created(), files, passwordHash: '$6$salt$hash', sshKeys: keys });
    expect(await os.read('etc/motd.d/owner')).toBe('hello\0');
    expect(await os.mode('srv/deep/secret')).toBe('640');
    expect(await os.read('etc/shadow')).toMatch(/^debian:\$6\$salt\$hash:/m);
    expect(await os.read('etc/shadow')).toMatch(/^root:\*:/m);
    await os.inside('chmod 660 /srv/deep/secret; chown root:root /srv/deep/secret');
    await os.boot();
    expect(await os.mode('srv/deep/secret')).toBe('640');
    const [report] = controller.reports;
    expect(report?.files).toMatchObject([
      { path: '/etc/motd.d/owner', mode: '0644', owner: 'root:root' },
      { path: '/srv/deep/secret', mode: '0640', owner: 'debian:root' },
    ]);
    expect(report).toMatchObject({ hostName: 'pool-1', cloudInit: null, userDataStatus: null });
  });

  it('is refused where a link of the image leads out of it', async () => {
    await os.inside('ln -s /var/tmp /srv/link');
    const script = await renderer.render('create.sh', {
      ...created(),
      files: [{ ...secret, path: '/srv/link/x' }],
    });
    const functions = script.slice(0, script.indexOf('\nstart_steps install'));
    const { all, exitCode } = await os.outside(
      `${functions}\nfail() { echo "$1"; exit 1; }\nTARGET=$ROOT\nwrite_files; rm -r "$WORK_DIR"`,
    );
    expect(exitCode).toBe(1);
    expect(all).toMatch(
      /the file \/srv\/link\/x cannot be written: a link of the image leads from there to \/var\/tmp/,
    );
  });

  it('is refused where it takes cloud-init and the image has none', async () => {
    const script = await renderer.render('create.sh', { ...created(), needsCloudInit: true });
    const functions = script.slice(0, script.indexOf('\nstart_steps install'));
    const { all } = await os.outside(
      `${functions}\nfail() { echo "$1"; exit 1; }\nTARGET=$ROOT\ntrap 'rm -r "$WORK_DIR"' EXIT\ntake_owner`,
    );
    expect(all).toContain('the user data is no script that begins with #!, and the image has no cloud-init');
  });
});

/** Says what it is asked, and is done at once. */
const cloudInit = `#!/bin/bash
printf '%s\\n' "$*" >>/srv/cloud-init
[[ $* != *json ]] || printf '{"status": "done",\\n "errors": []}\\n'
[[ $* != status ]] || echo 'status: done'
`;
const lefts = [
  'root/.bash_history',
  'home/debian/.bash_history',
  'home/debian/.ssh/authorized_keys',
  'var/log/cloud-init.log',
];
const cloudLefts = [
  'var/lib/cloud/instances/x/obj.pkl',
  'var/lib/cloud/scripts/per-boot/of-the-pool',
  'var/log/dodai-user-data.log',
];

async function leaveTraces(): Promise<void> {
  for (const name of [...lefts, ...cloudLefts]) {
    await os.inside(`mkdir -p "$(dirname /${name})"`);
    await os.write(name, 'pool');
  }
  await os.write('etc/ssh/ssh_host_ed25519_key', 'pool');
}

describe('an OS with cloud-init', () => {
  beforeEach(async () => {
    await os.write('stubs/cloud-init', cloudInit, 0o755);
    await os.inside(
      'mkdir -p /etc/cloud/cloud.cfg.d /var/lib/cloud/scripts/per-boot; echo own >/var/lib/cloud/scripts/per-boot/own',
    );
  });

  const metadataUrl = 'http://169.254.169.254';

  it('is left to it: without a config drive it is told of the metadata service, and how to reach that', async () => {
    const network = guestNetwork({
      network: null,
      nics: [{ role: 'pxe', mac: '52:54:00:00:00:01' }],
      metadataUrl,
    });
    await create({ ...created(), network, sshKeys: keys, userData, metadataUrl, needsCloudInit: true });
    const written = await os.read('etc/cloud/cloud.cfg.d/99_dodai.cfg');
    expect(written).toMatch(
      /^datasource_list: \[ NoCloud \]\ndatasource: .*"http:\/\/169\.254\.169\.254\/nocloud\/" } }\n/,
    );
    expect(written).toMatch(/^network:\n {2}version: 2\n[^]*scope: link/m);
    await expect(os.read('home/debian/.ssh/authorized_keys')).rejects.toThrow('ENOENT');
    await expect(os.read('etc/dodai/user-data')).rejects.toThrow('ENOENT');
    await os.boot();
    expect(controller.words).toMatchObject([{ state: 'installed', message: 'cloud-init: status: done' }]);
    expect(controller.reports[0]?.cloudInit).toMatchObject({ status: 'done' });
    expect(await os.read('srv/cloud-init')).toMatch(/^status --wait\n/);
  });

  it.each([null, 'reboot'])(
    'has nothing left of the pool when its owner has it (power lost at %s)',
    async (verb) => {
      await create({ ...created(), pooled: true, metadataUrl });
      await leaveTraces();
      if (verb) await os.write('cut-at', verb);
      controller.answers = [await handOver({ metadataUrl })];
      await os.boot();
      expect(await os.read('var/log/systemctl')).toContain('reboot');
      expect(controller.words).toMatchObject([{ instanceId: poolId, state: 'installed' }]);
      await os.boot();
      expect(controller.words.at(-1)).toMatchObject({ instanceId: ownerId, state: 'installed' });
      for (const name of [...lefts, ...cloudLefts]) await expect(os.read(name)).rejects.toThrow('ENOENT');
      expect(await os.read('var/lib/cloud/scripts/per-boot/own')).toBe('own\n');
      expect(await os.read('etc/ssh/ssh_host_ed25519_key')).not.toBe('pool');
      expect(await os.read('etc/machine-id')).toBe('');
      await expect(os.read('etc/cloud/cloud-init.disabled')).rejects.toThrow('ENOENT');
      expect(await os.read('etc/hostname')).toBe('web1.example.org\n');
    },
  );

  it('that loses its power before all is done begins nothing of its owner, and is handed over when it starts', async () => {
    await create({ ...created(), pooled: true, metadataUrl });
    await os.write('cut-at', 'try-restart');
    controller.answers = [await handOver({ metadataUrl })];
    await os.boot();
    expect(await os.read('etc/cloud/cloud-init.disabled')).toMatch(/^dodai: kept off/);
    await os.boot();
    await os.boot();
    expect(controller.words.at(-1)).toMatchObject({ instanceId: ownerId, state: 'installed' });
    await expect(os.read('etc/cloud/cloud-init.disabled')).rejects.toThrow('ENOENT');
  });
});

describe.each(['ask_with_curl', 'ask_with_python', 'ask_with_bash'])('%s', (way) => {
  const talk = join(projectRoot, 'templates/snippets/talk.sh');
  /** Status and body, as the scripts see them. */
  async function ask(method: string, path: string, ...json: string[]): Promise<string> {
    const words = [method, `${controllerUrl}${path}`, 'the-token', '5', os.path('answer'), ...json];
    const script = `. "${talk}"; ask() { ${way} "$@" || printf 000; }; ask "$@" && cat "${os.path('answer')}"`;
    return (await execa('bash', ['-c', script, 'bash', ...words])).stdout;
  }

  it('shows the token, and gives status and body', async () => {
    controller.answers = ['two\nlines ä'];
    expect(await ask('GET', '/v1/instances/x/owner')).toBe('200two\nlines ä');
    expect(controller.asked).toEqual([{ path: '/v1/instances/x/owner', token: 'the-token' }]);
    controller.answers = [410];
    expect(await ask('GET', '/v1/instances/x/owner')).toMatch(/^410/);
  });

  it('sends JSON', async () => {
    expect(await ask('POST', '/v1/instances/x/notify', '{"state":"installed"}')).toMatch(/^204/);
    expect(controller.words).toEqual([{ instanceId: 'x', token: 'the-token', state: 'installed' }]);
  });

  it('takes no part for the whole', async () => {
    controller.answers = ['cut'];
    expect(await ask('GET', '/cut')).toMatch(/^000/);
  });
});
