import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digests, ImageView, Page } from '#contract';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { RunningController } from '../support/running-controller.js';
import { makeSmallImage, type SmallImage } from '../support/small-image.js';

let dodai: RunningController;
let folder: string;
let image: SmallImage;
let sums: string;

const gpg = (...args: string[]) =>
  execa('gpg', ['--quiet', '--batch', '--yes', '--passphrase', '', ...args], {
    cwd: folder,
    env: { GNUPGHOME: join(folder, 'home') },
  });
const text = (name: string) => readFile(join(folder, name), 'latin1');
const base64 = async (name: string) => (await readFile(join(folder, name))).toString('base64');

/** Two people sign lists; the key of a third has expired. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dodai-signed-'));
  await mkdir(join(folder, 'home'), { mode: 0o700 });
  dodai = await RunningController.start({});
  image = await makeSmallImage(8);
  await writeFile(join(folder, 'debian.zst'), image.data);
  sums = `${image.sha256}  debian.zst\n`;
  await writeFile(join(folder, 'SHA256SUMS'), sums);
  for (const who of ['ann', 'bob']) await gpg('--quick-gen-key', who, 'ed25519', 'sign', 'never');
  const then = ['--faked-system-time', '20200101T000000'];
  await gpg(...then, '--quick-gen-key', 'old', 'ed25519', 'sign', '1d');
  for (const who of ['ann', 'bob', 'old']) {
    await gpg('--output', `${who}.gpg`, '--export', who);
    await gpg('--output', `${who}.asc`, '--armor', '--export', who);
  }
  await gpg('--local-user', 'ann', '--armor', '--output', 'ann.sig.asc', '--detach-sign', 'SHA256SUMS');
  await gpg('--local-user', 'ann', '--output', 'ann.sig', '--detach-sign', 'SHA256SUMS');
  await gpg('--local-user', 'ann', '-u', 'bob', '--output', 'both.sig', '--detach-sign', 'SHA256SUMS');
  await gpg('--local-user', 'ann', '--output', 'SHA256SUMS.asc', '--clear-sign', 'SHA256SUMS');
  await gpg(...then, '--local-user', 'old', '--output', 'old.sig', '--detach-sign', 'SHA256SUMS');
});
afterAll(async () => {
  await execa('gpgconf', ['--kill', 'all'], { env: { GNUPGHOME: join(folder, 'home') } });
  await dodai?.end();
  await rm(folder, { recursive: true, force: true });
});

const path = '/v1/images/sums';
const ask = (over: object) => ({ body: { sums, fileName: 'debian.zst', ...over } });

describe('a signed list of digests', () => {
  it.each<[string, () => Promise<object>]>([
    [
      'with a signature beside it',
      async () => ({ sumsSignature: await text('ann.sig.asc'), sumsKeyring: await text('ann.asc') }),
    ],
    [
      'with a binary signature and keyring',
      async () => ({ sumsSignature: await base64('ann.sig'), sumsKeyring: await base64('ann.gpg') }),
    ],
    [
      'of two, of whom one is known',
      async () => ({ sumsSignature: await base64('both.sig'), sumsKeyring: await base64('bob.gpg') }),
    ],
    [
      'of one of several whose keys are given',
      async () => ({
        sumsSignature: await base64('ann.sig'),
        sumsKeyring: `${await text('bob.asc')}${await text('ann.asc')}`,
      }),
    ],
    [
      'that is signed in itself',
      async () => ({ sums: await text('SHA256SUMS.asc'), sumsKeyring: await text('ann.asc') }),
    ],
  ])('%s is trusted', async (_what, over) => {
    const answer = await dodai.ask<Digests>('POST', path, ask(await over()));
    expect(answer).toMatchObject({ status: 200, body: { sha256: image.sha256 } });
    expect(await readdir(join(dodai.dataDir, 'images'))).toEqual([]);
  });

  it.each<[string, string, () => Promise<object>]>([
    [
      'that was changed',
      'it was changed after ann signed it',
      async () => ({
        sums: `${'a'.repeat(64)}  debian.zst\n`,
        sumsSignature: await text('ann.sig.asc'),
        sumsKeyring: await text('ann.asc'),
      }),
    ],
    [
      'of somebody else',
      'which is not among those that were given',
      async () => ({ sumsSignature: await text('ann.sig.asc'), sumsKeyring: await text('bob.asc') }),
    ],
    [
      'with a key that has expired',
      'the key of old has expired',
      async () => ({ sumsSignature: await base64('old.sig'), sumsKeyring: await base64('old.gpg') }),
    ],
    [
      'with something else for a signature',
      'what was given as its signature is none',
      async () => ({ sumsSignature: await base64('SHA256SUMS'), sumsKeyring: await text('ann.asc') }),
    ],
    [
      'with something else for keys',
      'which is not among those that were given',
      async () => ({ sumsSignature: await base64('ann.sig'), sumsKeyring: await base64('SHA256SUMS') }),
    ],
    [
      'that is signed in itself and was changed',
      'it was changed after ann signed it',
      async () => ({
        sums: (await text('SHA256SUMS.asc')).replace('debian', 'edbian'),
        sumsKeyring: await text('ann.asc'),
      }),
    ],
    [
      'that is signed in itself, twice',
      'gpgv does not understand it',
      async () => ({ sums: (await text('SHA256SUMS.asc')).repeat(2), sumsKeyring: await text('ann.asc') }),
    ],
  ])('%s is not', async (_what, said, over) => {
    const problem = await dodai.refused('POST', path, ask(await over()));
    expect(problem).toMatchObject({
      status: 422,
      code: 'image-signature-invalid',
      detail: expect.stringContaining(said),
      remedy: expect.stringMatching(/^Take /),
    });
    expect(await readdir(join(dodai.dataDir, 'images'))).toEqual([]);
  });

  it('has what was signed, and nothing that stands around it', async () => {
    const around = `${'a'.repeat(64)}  other.zst\n${await text('SHA256SUMS.asc')}\n${'a'.repeat(64)}  more.zst\n`;
    const over = { sums: around.slice(around.indexOf('-----')), sumsKeyring: await text('ann.asc') };
    const problem = await dodai.refused('POST', path, ask({ ...over, fileName: 'more.zst' }));
    expect(problem).toMatchObject({
      status: 400,
      detail: expect.stringContaining('has no line for more.zst'),
    });
  });

  it.each<[string, object]>([
    ['sumsSignature', { sumsKeyring: 'YWJj' }],
    ['sumsKeyring', { sumsSignature: 'YWJj' }],
    ['sumsKeyring', { sumsSignature: 'YWJj', sumsKeyring: 'no key' }],
  ])('needs a %s', async (field, over) => {
    const problem = await dodai.refused('POST', path, ask(over));
    expect(problem).toMatchObject({ status: 400, errors: [{ field }] });
  });
});

describe('an image that is told by a signed list', () => {
  const cli = (...args: string[]) =>
    runCaptured(['images', 'import', ...args], { env: { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token } });
  const file = (name: string) => join(folder, name);

  it('is imported', async () => {
    const query = new URLSearchParams({
      name: 'signed',
      sums,
      fileName: 'debian.zst',
      sumsSignature: await text('ann.sig.asc'),
      sumsKeyring: await text('ann.asc'),
    });
    const type = 'application/octet-stream';
    const made = await dodai.ask<ImageView>('POST', `/v1/images?${query}`, { body: image.data, type });
    expect(made).toMatchObject({ status: 201, body: { sourceSha256: image.sha256 } });
    await dodai.ask('DELETE', '/v1/images/signed');
  });

  it('is refused before it is read when the signature is wrong', async () => {
    const body = {
      name: 'signed',
      url: 'http://127.0.0.1:1/debian.zst',
      sums: sums.replace('debian', 'edbian'),
      sumsSignature: await text('ann.sig.asc'),
      sumsKeyring: await text('ann.asc'),
    };
    expect(await dodai.refused('POST', '/v1/images', { body })).toMatchObject({
      status: 422,
      code: 'image-signature-invalid',
    });
    expect(await readdir(join(dodai.dataDir, 'images'))).toEqual([]);
    expect((await dodai.ask<Page<ImageView>>('GET', '/v1/images')).body.items).toEqual([]);
  });

  it('is imported by the command', async () => {
    const list = ['--sums', file('SHA256SUMS'), '--sums-signature', file('ann.sig')];
    const done = await cli(file('debian.zst'), '--name', 'cli', ...list, '--signed-by', file('ann.gpg'));
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(image.sha256) });
    await dodai.ask('DELETE', '/v1/images/cli');
    const inside = ['--sums', file('SHA256SUMS.asc'), '--signed-by', file('ann.asc')];
    expect(await cli(file('debian.zst'), '--name', 'cli', ...inside)).toMatchObject({ code: 0 });
    await dodai.ask('DELETE', '/v1/images/cli');
  });

  it.each<[string, string[], string]>([
    [
      'another key',
      ['SHA256SUMS', '--sums-signature', 'ann.sig', '--signed-by', 'bob.gpg'],
      'not among those',
    ],
    ['no key', ['SHA256SUMS', '--sums-signature', 'ann.sig'], '--signed-by'],
    ['no signature', ['SHA256SUMS', '--signed-by', 'ann.gpg'], 'is missing'],
    ['no key for a list that is signed in itself', ['SHA256SUMS.asc'], '--signed-by'],
  ])('is refused by the command with %s', async (_what, [list = '', ...rest], said) => {
    const named = rest.map((word) => (word.startsWith('--') ? word : file(word)));
    const done = await cli(file('debian.zst'), '--name', 'cli', '--sums', file(list), ...named);
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain(said);
  });
});
