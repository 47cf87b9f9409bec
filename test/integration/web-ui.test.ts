import { createHash, randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ImageView, InstanceView, MachineView, Problem } from '#contract';
import { type Secret, SecretBox, SystemClock } from '#platform';
import { Database, ImageStore } from '#store';
import { ImageBench } from '../support/image-tree.js';
import { type IpmiSim, startIpmiSim } from '../support/ipmi-sim.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { machineNumber, RunningController } from '../support/running-controller.js';
import { WebPage } from '../support/web-page.js';

let postgres: TestPostgres;
let databaseUrl: Secret;
let dodai: RunningController;
let bmc: IpmiSim;
let bench: ImageBench;
let image: ImageView;
let machine: MachineView;
let page: WebPage;

beforeAll(async () => {
  [postgres, bmc, bench] = await Promise.all([startPostgres(), startIpmiSim(), ImageBench.make()]);
  databaseUrl = await postgres.database();
  dodai = await RunningController.start({
    DATABASE_URL: databaseUrl.reveal(),
    DODAI_SECRET_KEY: randomBytes(32).toString('base64'),
  });
  image = await importImage('debian-12');
  const type = { name: 'standard', vcpus: 1, memoryMb: 512, localGb: 40 };
  await dodai.ask('POST', '/v1/instance-types', { body: type });
  const body = machineNumber(1, { bmcPort: bmc.port });
  machine = (await dodai.ask<MachineView>('POST', '/v1/machines?wait=verified', { body })).body;
});
afterAll(async () => {
  await dodai?.end();
  await postgres?.stop();
  await bmc?.stop();
  await bench?.remove();
});
afterEach(() => page?.close());

/** One with a fault, a warning, and the rest as it should be. */
async function importImage(name: string): Promise<ImageView> {
  const tree = await bench.tree({ 'usr/sbin/sshd': null, 'boot/initrd.img-6.1.0': null });
  const file = await bench.ext(tree);
  const data = new Uint8Array((await execa('zstd', ['-q', '-c', file], { encoding: 'buffer' })).stdout);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const type = 'application/octet-stream';
  const path = `/v1/images?name=${name}&sha256=${sha256}`;
  return (await dodai.ask<ImageView>('POST', path, { body: data, type })).body;
}

const signedIn = async (path: string) => (page = await WebPage.signedIn(dodai.url + path, dodai.token));
const inWords = ({ title, detail, remedy }: Problem) => `${title}${detail}What to do: ${remedy}`;
const checkOf = ({ findings }: ImageView) =>
  findings.map(({ check, result, message, remedy }) => [result, check, message + (remedy ?? '')]);
const shownCheck = async () =>
  (await page.rows('Requirements')).map(([result = '', ...rest]) => [result.replace(/^. /, ''), ...rest]);

/** As an image of a dodai that knew no requirements yet. */
async function forget(id: string): Promise<void> {
  const database = await Database.open(databaseUrl, new SystemClock(), new SecretBox(randomBytes(32)));
  const images = new ImageStore(database);
  await images.redescribe(await images.find(id), { description: null, findings: [] });
  await database.close();
}

describe('the token', () => {
  it('is asked for; a wrong one is said, a right one is kept for this tab', async () => {
    page = await WebPage.open(`${dodai.url}/ui/machines`);
    await page.signIn('wrong');
    const refused = await dodai.refused('GET', '/v1/images', { token: 'wrong' });
    expect(await page.alert()).toBe(inWords(refused));
    expect(page.window.sessionStorage.length).toBe(0);
    await page.signIn(dodai.token);
    expect(await page.rows('Machines')).toHaveLength(1);
    const { sessionStorage } = page.window;
    expect(sessionStorage.getItem(sessionStorage.key(0) ?? '')).toBe(dodai.token);
    await page.press('Sign out');
    await page.shown.findByLabelText(/API token/);
    expect(page.window.sessionStorage.length).toBe(0);
  });
});

describe('an image', () => {
  it('is in the list, and opens from there', async () => {
    await signedIn('/ui/');
    expect(await page.rows('Images')).toEqual([
      [
        'debian-12',
        'file system',
        'Debian GNU/Linux 12 (bookworm)',
        'x86_64',
        'bios, uefi',
        '16.8 MB',
        '1 fault, 1 warning',
      ],
    ]);
    await page.follow('debian-12');
    await page.shown.findByRole('heading', { level: 1, name: 'debian-12' });
    expect(page.window.location.pathname).toBe(`/ui/images/${image.id}`);
    const facts = await page.rows('What it is');
    expect(facts).toContainEqual(['SHA-256 stored', image.sha256]);
    expect(facts).toContainEqual(['Installed by', 'copy']);
  });

  it('is shown with its check as the API has it: every requirement, and what to do', async () => {
    await signedIn(`/ui/images/${image.id}`);
    await page.shown.findByRole('heading', { name: 'Check: 1 fault, 1 warning' });
    expect(await shownCheck()).toEqual(checkOf(image));
    expect(new Set(image.findings.map(({ result }) => result))).toEqual(new Set(['ok', 'warning', 'fault']));
  });

  it('is looked into again at a press of the button', async () => {
    await forget(image.id);
    await signedIn(`/ui/images/${image.id}`);
    await page.shown.findByText('Nothing is known of what is in the image debian-12.');
    const progress = page.shown.findByRole('progressbar');
    await page.press('Check again');
    await progress;
    expect(await shownCheck()).toEqual(checkOf(image));
    expect(page.shown.queryByRole('progressbar')).toBeNull();
    const { body: after } = await dodai.ask<ImageView>('GET', `/v1/images/${image.id}`);
    expect(after.findings).toEqual(image.findings);
  });

  it('that is gone is said in the words of the API, with what to do', async () => {
    const gone = await importImage('gone');
    await signedIn(`/ui/images/${gone.id}`);
    expect(await shownCheck()).toEqual(checkOf(gone));
    await dodai.ask('DELETE', `/v1/images/${gone.id}`);
    await page.press('Check again');
    const problem = await dodai.refused('GET', `/v1/images/${gone.id}`);
    expect(problem).toMatchObject({ code: 'image-not-found', remedy: expect.any(String) });
    expect(await page.alert()).toBe(inWords(problem));
  });
});

describe('a machine', () => {
  it('is in the list, and opens with its facts', async () => {
    await signedIn('/ui/machines');
    expect(await page.rows('Machines')).toEqual([['m1', 'inactive', 'off', 'standard', '–']]);
    await page.follow('m1');
    const facts = await page.rows('What it is');
    expect(facts).toContainEqual(['Id', machine.id]);
    expect(facts).toContainEqual(['PXE', `${machine.pxeMac}, ${machine.pxeIp}`]);
  });

  it('has its timeline, on which what happens appears at once, and its facts follow', async () => {
    await signedIn(`/ui/machines/${machine.id}`);
    const before = await page.rows('Events, the newest first');
    const { body } = await dodai.ask<{ items: { message: string; kind: string }[] }>(
      'GET',
      `/v1/machines/${machine.id}/events?order=desc`,
    );
    expect(before.map(([, ...rest]) => rest)).toEqual(body.items.map(({ message, kind }) => [message, kind]));
    const reason = 'the fan is being changed';
    await dodai.ask('POST', `/v1/machines/${machine.id}/maintenance`, { body: { reason } });
    await page.shown.findByRole('row', { name: /^Maintenance the fan is being changed/ });
    const [news, ...rest] = await page.rows('Events, the newest first');
    expect(news?.[1]).toContain(reason);
    expect(rest).toEqual(before);
    await dodai.ask('DELETE', `/v1/machines/${machine.id}/maintenance`);
  });

  it('that is not there is said in the words of the API', async () => {
    await signedIn('/ui/machines/nothing');
    expect(await page.alert()).toBe(inWords(await dodai.refused('GET', '/v1/machines/nothing')));
  });
});

it('an instance is in the list, with its machine and its image', async () => {
  const body = { hostName: 'db1', image: 'debian-12' };
  const adopted = await dodai.ask<InstanceView>('POST', `/v1/machines/${machine.id}/adopt`, { body });
  await signedIn('/ui/instances');
  expect(await page.rows('Instances')).toEqual([['db1', adopted.body.state, 'm1', 'debian-12', '–']]);
  await page.follow('m1');
  expect(await page.rows('What it is')).toContainEqual(['Instance', adopted.body.id]);
});

describe('a person who was called', () => {
  let called: MachineView;
  let instance: InstanceView;
  let ownBmc: IpmiSim;
  const stageOf = async () =>
    (await dodai.ask<MachineView>('GET', `/v1/machines/${called.id}`)).body.installation?.stage;

  beforeAll(async () => {
    const { id } = await importImage('by-hand');
    const instructions = 'Put the disc into {{ machineName }},\nand call it {{ hostName }}.';
    const install = { method: 'manual', instructions, completion: 'notify' };
    await dodai.ask('PATCH', `/v1/images/${id}`, { body: { install } });
    ownBmc = await startIpmiSim();
    const body = machineNumber(2, { bmcPort: ownBmc.port });
    called = (await dodai.ask<MachineView>('POST', '/v1/machines?wait=verified', { body })).body;
    const wish = { hostName: 'hand1', image: 'by-hand', instanceType: 'standard', machine: called.name };
    instance = (await dodai.ask<InstanceView>('POST', '/v1/instances', { body: wish })).body;
  });

  afterAll(() => ownBmc?.stop());

  it('reads what to do, says why it failed, and after a retry that it is done', async () => {
    await signedIn(`/ui/machines/${called.id}`);
    await page.shown.findByText(/Put the disc into m2,\s+and call it hand1\./);
    await page.write('Why it could not be done', 'the disc is scratched');
    await page.press('It failed');
    expect(await page.alert()).toContain('could not install m2: the disc is scratched');
    expect(page.shown.queryByText(/Put the disc/)).toBeNull();
    await dodai.ask('POST', `/v1/instances/${instance.id}/retry`);
    await page.press('It is done');
    await page.shown.findByRole('row', { name: /^Stage (install_reboot|booting_disk)/ });
    expect(page.shown.queryByText(/Put the disc/)).toBeNull();
  });

  it('finds by which method it is to be installed: with the image, and with the instance', async () => {
    await signedIn('/ui/instances');
    expect(await page.rows('Instances')).toContainEqual(['hand1', 'building', 'm2', 'by-hand', 'manual']);
    await page.follow('by-hand');
    const [, told] = (await page.rows('What it is')).find(([name]) => name === 'Installed by') ?? [];
    expect(told).toMatch(/^manual.*Put the disc into {{ machineName }}.*Is up when: it notifies installed$/s);
  });

  it('who comes too late is told in the words of the API', async () => {
    const problem = await dodai.refused('POST', `/v1/instances/${instance.id}/manual-done`);
    expect(problem).toMatchObject({ status: 409, code: 'verb-not-allowed' });
    expect(problem.detail).toMatch(/^manual_done is not possible while m2 is installing \(\w+\)\.$/);
    expect(await stageOf()).not.toBe('operator');
    const empty = await dodai.refused('POST', `/v1/instances/${instance.id}/manual-failed`, { body: {} });
    expect(empty).toMatchObject({ status: 400, errors: [{ field: 'reason' }] });
  });
});

describe('the files of the web UI', () => {
  const get = (path: string, method = 'GET') => fetch(dodai.url + path, { method, redirect: 'manual' });
  const asset = async () => /src="(\/ui\/assets\/[^"]+)"/.exec(await (await get('/ui/')).text())?.[1] ?? '';

  it('are found from the root', async () => {
    const answer = await get('/');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/ui/']);
  });

  it.each(['/ui', '/ui/', '/ui/images', '/ui/no/such/page'])(
    '%s is the page, asked for anew each time, under a strict policy',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; /),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      const html = await answer.text();
      expect(html).toContain('<title>dodai</title>');
      expect(html).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
    },
  );

  it('of which the name has a digest are kept for ever', async () => {
    const answer = await get(await asset());
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
  });

  it.each([
    ['GET', '/ui/assets/no-such.js'],
    ['POST', '/ui/images'],
    ['GET', '/uix'],
    ['POST', '/'],
  ])('%s %s is a problem', async (method, path) => {
    expect(await dodai.refused(method, path)).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('leave the other paths as they are', async () => {
    expect((await get('/docs')).headers.get('content-security-policy')).toBeNull();
    expect((await get('/docs')).status).toBe(200);
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/v1/images')).status).toBe(401);
  });
});
