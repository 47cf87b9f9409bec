import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { tftpGet } from '../support/tftp-client.js';

let live: string;
let dodai: RunningController;
const kernel = randomBytes(3_000_000);

beforeAll(async () => {
  live = await mkdtemp(join(tmpdir(), 'dodai-live-'));
  await chmod(live, 0o755);
  await writeFile(join(live, 'vmlinuz'), kernel);
  dodai = await RunningController.start({ DODAI_LIVE_IMAGE_DIR: live });
  await dodai.ask('POST', '/v1/instance-types', {
    body: { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 },
  });
  // Whatever comes from the address of this test comes from this machine.
  const body = machineNumber(1, { pxeIp: '127.0.0.1', bmcPort: 1 });
  expect((await dodai.ask('POST', '/v1/machines', { body })).status).toBe(201);
});
afterAll(async () => {
  await dodai?.end();
  await rm(live, { recursive: true, force: true });
});

const fact = (kind: string) => dodai.untilEvent('/v1/machines/m1/events', (event) => event.kind === kind);

describe('the live image', () => {
  it('is served without a token, and the fetch is on the timeline of the machine', async () => {
    const answer = await dodai.fetch('GET', '/boot/live/vmlinuz', { token: null });
    expect(kernel.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
    expect((await fact('http.completed')).found).toMatchObject({
      message: 'fetched /boot/live/vmlinuz',
      data: { status: 200, bytes: kernel.length, durationMs: expect.any(Number), client: '127.0.0.1' },
    });
  });

  it('that is not built says so', async () => {
    const problem = await dodai.refused('GET', '/boot/live/initrd.img', { token: null });
    expect(problem).toMatchObject({ status: 404, remedy: expect.stringContaining('DODAI_LIVE_IMAGE_DIR') });
  });

  it('is two files and no others', async () => {
    expect(await dodai.refused('GET', '/boot/live/passwd', { token: null })).toMatchObject({ status: 400 });
  });
});

describe('what is refused is on the timeline of the machine that asked', () => {
  it.each([
    ['/boot/live/initrd.img', 404, 'not-found', 'The live image has no'],
    ['/boot/live/passwd', 400, 'invalid-request', ''],
    ['/boot/grub/menu.lst', 404, 'not-found', 'There is no GET /boot/grub/menu.lst'],
    [`/boot/images/${randomUUID()}`, 404, 'image-not-found', 'There is no image'],
    [`/boot/instances/${randomUUID()}/create.sh`, 404, 'instance-not-found', 'There is no instance'],
  ])('%s', async (path, status, code, reason) => {
    expect(await dodai.refused('GET', path, { token: null })).toMatchObject({ status, code });
    const { found } = await dodai.untilEvent(
      '/v1/machines/m1/events',
      ({ kind, data }) => kind === 'http.refused' && data.path === path,
    );
    expect(found).toMatchObject({
      message: expect.stringContaining(`asked for ${path}, which was refused: ${reason}`),
      data: { method: 'GET', status, code, client: '127.0.0.1' },
    });
  });

  it('cut short when it is long', async () => {
    const path = `/boot/${'x'.repeat(5000)}`;
    expect(await dodai.refused('GET', path, { token: null })).toMatchObject({ status: 404 });
    const { found } = await dodai.untilEvent(
      '/v1/machines/m1/events',
      ({ kind, data }) => kind === 'http.refused' && String(data.path).includes('xxx'),
    );
    expect(JSON.stringify(found).length).toBeLessThan(1500);
  });
});

describe('over TFTP', () => {
  const get = (path: string) =>
    tftpGet(path, { host: '127.0.0.1', port: dodai.controller.listeners.tftpPort ?? 0 });

  it('an idle machine is told to boot its disk, and that is on its timeline', async () => {
    const { bytes } = await get(`pxelinux.cfg/01-${String(machineNumber(1).pxeMac).replaceAll(':', '-')}`);
    expect(bytes.toString()).toMatch(/localboot/i);
    expect((await fact('tftp.completed')).found.data).toMatchObject({
      path: expect.stringContaining('pxelinux.cfg/01-52-54-00'),
    });
  });

  it('so is one with UEFI, by the GRUB that asks for it', async () => {
    const path = `grub/grub.cfg-01-${String(machineNumber(1).pxeMac).replaceAll(':', '-')}`;
    expect((await get(`/${path}`)).bytes.toString()).toContain('/EFI/BOOT/BOOTX64.EFI');
    const isOwn = ({ kind, data }: { kind: string; data: Record<string, unknown> }) =>
      kind === 'tftp.completed' && data.path === path;
    await dodai.untilEvent('/v1/events', isOwn);
  });

  it('the kernel is there for GRUB, under the name that it has over HTTP', async () => {
    expect(kernel.equals((await get('/boot/live/vmlinuz')).bytes)).toBe(true);
  });

  it('what GRUB asks for and does without is not on the timeline', async () => {
    await expect(get('grub/x86_64-efi/command.lst')).rejects.toThrow();
    await get('grub/grub.cfg');
    const isIt = ({ kind, data }: { kind: string; data: Record<string, unknown> }) =>
      kind.startsWith('tftp.') && /^grub\/(x86_64-efi|grub\.cfg$)/.test(String(data.path));
    const { found } = await dodai.untilEvent('/v1/events', isIt);
    expect(found.data.path).toBe('grub/grub.cfg');
  });

  it('a stranger is told to boot its disk', async () => {
    expect((await get('pxelinux.cfg/01-52-54-00-ff-ff-ff')).bytes.toString()).toMatch(/localboot/i);
    expect((await get('pxelinux.cfg/default')).bytes.toString()).toMatch(/localboot/i);
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'api-token'])('%s is refused', async (path) => {
    await expect(get(path)).rejects.toThrow();
  });
});
