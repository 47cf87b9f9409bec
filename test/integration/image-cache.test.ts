import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageView, Page } from '#contract';
import type { Image } from '#core';
import { AddressPolicy, CacheKeeper, ImageCache, ImageDownloads, type ImageLibrary } from '#images';
import { createLogger, type Secret, SecretBox, SystemClock } from '#platform';
import { Database, ImageCacheStore, ImageStore } from '#store';
import { FakeClock } from '#testing';
import { runCaptured } from '../../apps/cli/src/captured-io.js';
import { TestEngine } from '../support/engine.js';
import { importBytes, openLibrary, sha256, written } from '../support/image-sources.js';
import { startPostgres, type TestPostgres } from '../support/postgres.js';
import { RunningController } from '../support/running-controller.js';
import { makeSmallImage, type SmallImage } from '../support/small-image.js';

const dayMs = 86_400_000;
const logger = createLogger({ level: 'silent', pretty: false });
const policy = { removeUnused: true, unusedMs: dayMs, strayMs: 3_600_000, maxBytes: undefined };

let postgres: TestPostgres;
let mirror: Server;
let site: string;
let contents: SmallImage[];
/** What was asked of the mirror, and what it has there now. */
let asked: string[] = [];
const there = new Map<string, Uint8Array>();
/** Of what the mirror sends half, and then nothing more. */
const stalling = new Set<string>();

beforeAll(async () => {
  postgres = await startPostgres();
  contents = [await makeSmallImage(4, 1), await makeSmallImage(4, 2), await makeSmallImage(4, 1)];
  mirror = createServer(({ url = '' }, response) => {
    asked.push(url);
    const data = there.get(url);
    response.writeHead(data ? 200 : 404, { 'content-length': data?.length ?? 0 });
    if (data && stalling.has(url)) response.write(data.subarray(0, data.length / 2));
    else response.end(data);
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  site = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await postgres?.stop();
  mirror?.closeAllConnections();
  mirror?.close();
});
beforeEach(() => {
  asked = [];
  contents.forEach(({ data }, index) => there.set(`/${index}`, data));
});

describe('the cache of images', () => {
  let engine: TestEngine;
  let folder: string;
  let library: ImageLibrary;
  let clock: FakeClock;

  beforeEach(async () => {
    engine = await TestEngine.start(await postgres.database());
    folder = await mkdtemp(join(tmpdir(), 'dodai-image-cache-'));
    library = await openLibrary(folder);
    clock = new FakeClock(engine.clock.now());
  });
  afterEach(async () => {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const cache = (limits: Partial<{ maxBytes: number; removeUnused: boolean }> = {}, stallMs = 60_000) =>
    new ImageCache(
      library,
      new ImageCacheStore(engine.database),
      new ImageDownloads(new AddressPolicy(['127.0.0.1']), stallMs),
      {
        policy: { ...policy, ...limits },
        clock,
        logger,
        signal: new AbortController().signal,
        tell: (told) => engine.events.append(told),
      },
    );

  /** Imported from the mirror, or sent. */
  async function image(index: number, isSent = false): Promise<Image> {
    const stored = await importBytes(library, Buffer.from(contents[index]!.data));
    library.release(stored);
    const sourceUrl = isSent ? null : `${site}/${index}`;
    const entry = {
      ...stored,
      name: `image-${index}`,
      sourceUrl,
      defaultUser: null,
      install: null,
      lastUsedAt: null,
    };
    return await engine.images.create(entry);
  }

  const here = async () => new Set((await library.files()).map((each) => each.sha256));
  const told = async (kind: string) => (await engine.events.list({ kinds: [kind], limit: 10 })).items;

  it('fetches an image that is gone again, once however many ask, and says so', async () => {
    const gone = await image(0);
    const before = sha256(await written(library, gone));
    await library.remove(gone);
    const files = cache();
    await Promise.all([1, 2, 3, 4, 5].map(() => files.ensure(gone)));
    await files.ensure(gone);
    expect(asked).toEqual(['/0']);
    expect(sha256(await written(library, gone))).toBe(before);
    expect(await told('image.fetched')).toMatchObject([
      { message: `The image image-0 was fetched again from ${site}/0.` },
    ]);
    expect((await engine.images.find(gone.id)).lastUsedAt).not.toBeNull();
  });

  it('fetches an image whose list alone is gone', async () => {
    const torn = await image(0);
    await rm(join(folder, `${torn.sha256}.chunks`));
    await cache().ensure(torn);
    expect(await library.listBytes(torn)).toBeGreaterThan(0);
  });

  it('keeps nothing of another content than the one that was imported', async () => {
    const changed = await image(0);
    await library.remove(changed);
    there.set('/0', contents[1]!.data);
    await expect(cache().ensure(changed)).rejects.toMatchObject({ code: 'image-checksum-mismatch' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps nothing of a download that stalls, and says so', async () => {
    const gone = await image(0);
    await library.remove(gone);
    stalling.add('/0');
    await expect(cache({}, 200).ensure(gone)).rejects.toMatchObject({
      code: 'image-download-failed',
      message: expect.stringContaining('nothing came for 0.2 seconds'),
      remedy: expect.stringContaining('curl'),
    });
    expect(await readdir(folder)).toEqual([]);
    stalling.clear();
    await cache().ensure(gone);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it('after a crash in the midst of it begins anew', async () => {
    const gone = await image(0);
    await library.remove(gone);
    await mkdir(join(folder, 'incoming-abc'));
    await writeFile(join(folder, 'incoming-abc', 'chunks'), 'half');
    library = await openLibrary(folder);
    await cache().ensure(gone);
    expect((await readdir(folder)).sort()).toEqual([`${gone.sha256}.chunks`, `${gone.sha256}.zst`]);
  });

  it('does not have what was sent to another controller, and says where it is', async () => {
    const sent = await image(0, true);
    await library.remove(sent);
    const refused = cache().ensure(sent);
    await expect(refused).rejects.toMatchObject({ code: 'image-not-found' });
    await expect(refused).rejects.toThrow('was sent to another controller');
    expect(asked).toEqual([]);
  });

  it('drops what was not used for a day, says why, and brings it back when it is asked for', async () => {
    const [unused, sent] = [await image(0), await image(1, true)];
    const files = cache();
    await clock.advance(dayMs - 60_000);
    await files.tidy();
    expect(await here()).toEqual(new Set([unused.sha256, sent.sha256]));
    await clock.advance(120_000);
    await files.tidy();
    expect(await here()).toEqual(new Set([sent.sha256]));
    expect(await told('image.removed')).toMatchObject([
      {
        message:
          'The image image-0 went from the cache: it was not used for 24 hours, and can be fetched again.',
        data: { names: ['image-0'], sha256: unused.sha256 },
      },
    ]);
    await files.ensure(unused);
    expect(await here()).toEqual(new Set([unused.sha256, sent.sha256]));
  });

  it('drops nothing that an instance was made from, or that a pool is made of', async () => {
    const [installed, pooled] = [await image(0), await image(1)];
    await engine.inactiveMachine('m1', 1);
    const instance = await engine.spawn(undefined, undefined, undefined, { image: installed.name });
    await engine.types.update('small', { defaultImageId: pooled.id });
    await clock.advance(99 * dayMs);
    await cache({ maxBytes: 1 }).tidy();
    expect(await here()).toEqual(new Set([installed.sha256, pooled.sha256]));
    await engine.install(instance);
    await engine.verbs.destroy(instance.id, { kind: 'token', name: 'test' });
    await engine.wipe(instance);
    await cache().tidy();
    expect(await here()).toEqual(new Set([pooled.sha256]));
  });

  it('drops an original under two names only when neither was sent', async () => {
    const fetched = await image(0);
    await engine.images.create({ ...fetched, name: 'the same', sourceUrl: null });
    await clock.advance(2 * dayMs);
    await cache().tidy();
    expect(await here()).toEqual(new Set([fetched.sha256]));
  });

  it('drops files that no image is made of, after their own age', async () => {
    const stray = await importBytes(library, Buffer.from(contents[0]!.data));
    const files = cache();
    await clock.advance(2 * 3_600_000);
    await files.tidy();
    expect(await here()).toEqual(new Set([stray.sha256])); // an import has brought it and is about to enter it
    library.release(stray);
    await files.tidy();
    expect(await here()).toEqual(new Set());
  });

  it('keeps an image while it is looked into, and fetches it for that when it is gone', async () => {
    const looked = await image(0);
    await library.remove(looked);
    const removals: Promise<boolean>[] = [];
    const onProgress = () => void removals.push(library.removeUnlessHeld(looked));
    const { signal } = new AbortController();
    expect(await cache().inspect(looked, { signal, onProgress })).toEqual({
      description: looked.description,
      findings: looked.findings,
    });
    expect(asked).toEqual(['/0']);
    expect(new Set(await Promise.all(removals))).toEqual(new Set([false]));
    expect(await library.removeUnlessHeld(looked)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['zst', 'chunks'])(
    'finds that a file .%s is damaged when it looks into an image',
    async (suffix) => {
      const damaged = await image(0);
      const file = await open(join(folder, `${damaged.sha256}.${suffix}`), 'r+');
      await file.write('damage', 30); // within the first chunk, and the digest of it
      await file.close();
      const { signal } = new AbortController();
      const looked = cache().inspect(damaged, { signal, onProgress: () => undefined });
      await expect(looked).rejects.toMatchObject({ code: 'image-checksum-mismatch' });
      await expect(looked).rejects.toThrow(/are damaged: chunk 1 of \d+ has another digest/);
      expect(await readdir(folder)).toHaveLength(2);
    },
  );

  it('makes room for what comes by dropping the longest unused, and refuses when that is not enough', async () => {
    const [older, newer, sent] = [await image(0), await image(2), await image(1, true)];
    await new ImageCacheStore(engine.database).used(newer);
    const bytes = (await library.files()).reduce((sum, each) => sum + each.bytes, 0);
    const files = cache({ maxBytes: bytes + 1000 });
    await files.makeRoom('the next', 500);
    expect((await here()).size).toBe(3);
    await files.makeRoom('the next', 2000);
    expect(await here()).toEqual(new Set([newer.sha256, sent.sha256]));
    expect(await told('image.removed')).toMatchObject([{ data: { sha256: older.sha256 } }]);
    const refused = files.makeRoom('the next', bytes);
    await expect(refused).rejects.toMatchObject({ code: 'image-cache-full' });
    await expect(refused).rejects.toThrow('has no room for the');
    expect(await here()).toEqual(new Set([newer.sha256, sent.sha256]));
  });

  it('refuses at once what the disk has no room for', async () => {
    await expect(cache().makeRoom('the next', 2 ** 60)).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('is looked at again and again', async () => {
    const unused = await image(0);
    const keeper = new CacheKeeper(cache(), 2_400_000, { clock, logger });
    keeper.start();
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(2 * dayMs);
    await expect.poll(here).toEqual(new Set());
    await keeper.stop();
    expect(unused.sourceUrl).not.toBeNull();
  });
});

describe('a controller whose images are a cache', () => {
  let dodai: RunningController;
  let databaseUrl: Secret;

  beforeAll(async () => {
    databaseUrl = await postgres.database();
    dodai = await RunningController.start({
      DATABASE_URL: databaseUrl.reveal(),
      DODAI_IMAGE_URL_ALLOW: '127.0.0.1',
      DODAI_IMAGE_CACHE_MAX_GB: String(2 / 1024),
    });
  });
  afterAll(() => dodai?.end());

  const order = (index: number) => ({
    name: `image-${index}`,
    url: `${site}/${index}`,
    sha256: contents[index]!.sha256,
  });

  it('hands out an image that it has to fetch first', async () => {
    const { body } = await dodai.ask<ImageView>('POST', '/v1/images', { body: order(0) });
    const images = join(dodai.dataDir, 'images');
    for (const file of await readdir(images)) await rm(join(images, file));
    asked = [];
    const answers = await Promise.all(
      ['', '/chunks'].map((part) => fetch(`${dodai.url}/boot/images/${body.id}${part}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const packed = await answers[0]!.arrayBuffer();
    expect(sha256(new Uint8Array(packed))).toBe(body.sha256);
    expect(asked).toEqual(['/0']);
  });

  it('refuses an image that the cache has no room for, and keeps what it has', async () => {
    const images = join(dodai.dataDir, 'images');
    const before = await readdir(images);
    const problem = await dodai.refused('POST', '/v1/images', { body: order(1) });
    expect(problem).toMatchObject({
      status: 507,
      code: 'image-cache-full',
      remedy: expect.stringContaining('DODAI_IMAGE_CACHE_MAX_GB'),
    });
    expect(await readdir(images)).toEqual(before);
    const { body } = await dodai.ask<Page<ImageView>>('GET', '/v1/images');
    expect(body.items.map(({ name }) => name)).toEqual(['image-0']);
  });

  it('looks into an image again when it is asked to, and keeps what it finds', async () => {
    const { body: before } = await dodai.ask<ImageView>('GET', '/v1/images/image-0');
    expect(before.findings).not.toEqual([]);
    const env = { DODAI_URL: dodai.url, DODAI_TOKEN: dodai.token };
    const check = (...options: string[]) => runCaptured(['images', 'check', 'image-0', ...options], { env });
    await forget(before.id);
    expect((await check()).stdout).toContain('Nothing is known of what is in the image image-0.');
    expect(await check('--again')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('operating-system'),
    });
    const { body: after } = await dodai.ask<ImageView>('GET', '/v1/images/image-0');
    expect(after).toEqual({ ...before, lastUsedAt: after.lastUsedAt });
    await forget(before.id);
    const again = await dodai.ask<ImageView>('POST', '/v1/images/image-0/check');
    expect(again).toMatchObject({ status: 200, body: { findings: before.findings } });
    expect(await dodai.refused('POST', '/v1/images/nothing/check')).toMatchObject({ status: 404 });
    expect(
      (await readdir(join(dodai.dataDir, 'images'))).filter((name) => name.startsWith('incoming')),
    ).toEqual([]);
  });

  /** As an image of a dodai that knew no requirements yet. */
  async function forget(id: string): Promise<void> {
    const database = await Database.open(databaseUrl, new SystemClock(), new SecretBox(randomBytes(32)));
    const images = new ImageStore(database);
    await images.redescribe(await images.find(id), { description: null, findings: [] });
    await database.close();
  }
});
