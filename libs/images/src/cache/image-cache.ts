import type { Readable } from 'node:stream';
import { DomainError, type Image } from '#core';
import type { Clock, Logger } from '#platform';
import { diskFull } from '../disk-full.js';
import type { ImageDownloads } from '../download/image-downloads.js';
import type { StoredImage } from '../image-import.js';
import type { ImportRequest } from '../intake/intake.js';
import type { Inspection } from '../check/inspect-image.js';
import type { ImageLibrary, InspectionRequest } from '../image-library.js';
import { type Cached, type CachePolicy, leastUsed, type Removal, removals, sizeOf } from './removals.js';

/** What the catalogue of images says of those of one content. */
type CatalogueEntry = Omit<Cached, 'bytes'>;

/** The catalogue of images, as far as the cache needs it. */
interface Catalogue {
  entries(): Promise<CatalogueEntry[]>;
  /** Somebody takes the image now. */
  used(image: Image): Promise<void>;
  /** The same content was packed in another way than before. */
  repacked(image: Image, stored: StoredImage): Promise<Image>;
}

/** What happened to an image, for the timeline. */
interface Told {
  kind: 'image.removed' | 'image.fetched';
  message: string;
  data: Record<string, unknown>;
}

interface Host {
  policy: CachePolicy;
  clock: Clock;
  logger: Logger;
  /** Ends what is being fetched. */
  signal: AbortSignal;
  tell: (told: Told) => Promise<void>;
}

/** An image that is handed out again and again is noted as used no more often than this. */
const noteUseMs = 60_000;
/**
 * The folder of images as a cache: what can be fetched again goes when nobody used it for long or when room is
 * needed, and comes back when it is asked for.
 */
export class ImageCache {
  private readonly fetches = new Map<string, Promise<Image>>();
  private readonly notedMs = new Map<string, number>();

  constructor(
    private readonly library: ImageLibrary,
    private readonly catalogue: Catalogue,
    private readonly downloads: ImageDownloads,
    private readonly host: Host,
  ) {}

  /**
   * The image with its files here: fetched again when they are gone, once however many ask. It counts as used.
   * Throws DomainError `image-not-found` for one that was sent, and what an import throws.
   */
  async ensure(image: Image): Promise<Image> {
    await this.noteUse(image);
    if (await this.library.has(image)) return image;
    const running = this.fetches.get(image.id);
    if (running) return await running;
    const fetch = this.fetch(image).finally(() => this.fetches.delete(image.id));
    this.fetches.set(image.id, fetch);
    return await fetch;
  }

  /**
   * Removes unused images until so many bytes more are within the limit, and the disk has `workBytes`. Throws
   * DomainError `image-cache-full` or `disk-full` when that cannot be; then nothing was removed.
   */
  async makeRoom(name: string, bytes: number, workBytes = bytes): Promise<void> {
    const all = await this.look();
    const { maxBytes = Number.POSITIVE_INFINITY } = this.host.policy;
    const excess = Math.max(sizeOf(all) + bytes - maxBytes, workBytes - (await this.library.freeBytes()));
    const going = leastUsed(all, excess, `room is needed for ${name}`);
    const freed = sizeOf(going.map(({ cached }) => cached));
    if (freed < excess) throw this.full(name, bytes, sizeOf(all) - freed + bytes > maxBytes);
    for (const removal of going) await this.remove(removal);
  }

  /**
   * Imports what nobody has yet, when there is room at all: how much it takes is known when it is packed, for zeros are
   * not kept. Throws what an import throws, and DomainError `image-cache-full`. It stays whatever the policy says until the caller releases it.
   */
  async take(name: string, source: Readable, request: ImportRequest): Promise<StoredImage> {
    await this.makeRoom(name, 1);
    return await this.library.import(source, request);
  }

  /** There is an image of what was imported now, or there will be none. */
  release(stored: StoredImage): void {
    this.library.release(stored);
  }

  /**
   * Looks into an image anew; nothing of it goes from the cache meanwhile, and it is fetched again when it is gone. Throws
   * what `ensure` and `ImageLibrary.inspect` throw.
   */
  async inspect(image: Image, request: InspectionRequest): Promise<Inspection> {
    return await this.whileHeld(image, image.dataBytes, (held) => this.library.inspect(held, request));
  }

  /** Nothing of the image goes from the cache until the work on it, which takes `workBytes` of the disk, has ended. */
  async whileHeld<T>(image: Image, workBytes: number, work: (held: Image) => Promise<T>): Promise<T> {
    const held = await this.hold(image);
    try {
      await this.makeRoom(held.name, 0, workBytes);
      return await work(held);
    } finally {
      this.library.release(held);
    }
  }

  /** Removes the files of an image that is not wanted any more; does nothing when they are gone already. */
  async drop(image: Pick<Image, 'sha256'>): Promise<void> {
    await this.library.remove(image);
  }

  /** One round of the policy. */
  async tidy(): Promise<void> {
    const { policy, clock, logger } = this.host;
    const all = await this.look();
    const going = removals(all, policy, clock.now());
    for (const removal of going) await this.remove(removal);
    const excess = sizeOf(all) - sizeOf(going.map(({ cached }) => cached)) - (policy.maxBytes ?? Infinity);
    if (excess > 0)
      logger.warn(
        { excessBytes: excess },
        'the images are larger than DODAI_IMAGE_CACHE_MAX_GB: those that are left are in use or were sent; delete some, or allow more',
      );
  }

  /** It may go between the moment when it is here and the one when it is held. */
  private async hold(image: Image): Promise<Image> {
    for (;;) {
      const here = await this.ensure(image);
      await this.library.hold(here);
      if (await this.library.has(here)) return here;
      this.library.release(here);
    }
  }

  private async look(): Promise<Cached[]> {
    const entries = new Map((await this.catalogue.entries()).map((entry) => [entry.sha256, entry]));
    const files = await this.library.files();
    return files.map(({ sha256, bytes, changedAt }) => {
      const stray = { names: [], isOriginal: false, isInUse: false, unusedSince: changedAt };
      const entry = entries.get(sha256) ?? stray;
      const unusedSince = entry.unusedSince > changedAt ? entry.unusedSince : changedAt; // it was fetched since
      return { ...entry, sha256, bytes, unusedSince };
    });
  }

  private async remove({ cached, reason }: Removal): Promise<void> {
    const { sha256, bytes, names } = cached;
    if (!(await this.library.removeUnlessHeld(cached))) return;
    const what = names.length === 0 ? `The files ${sha256}` : `The image ${names.join(', ')}`;
    const message = `${what} went from the cache: ${reason}.`;
    this.host.logger.info({ sha256, bytes, names, reason }, 'removed an image from the cache');
    await this.host.tell({ kind: 'image.removed', message, data: { sha256, bytes, names, reason } });
  }

  private async fetch(image: Image): Promise<Image> {
    const { name, sourceUrl: url, sourceSha256 } = image;
    if (url === null) throw wasSent(image);
    await this.makeRoom(name, image.compressedBytes, this.library.workBytes(image));
    const stored = await this.download(url, {
      expectedSha256: sourceSha256,
      storedBytes: image.compressedBytes,
    });
    const fetched = await this.place(image, stored).finally(() => this.library.release(stored));
    this.host.logger.info({ image: name, url }, 'fetched an image again');
    const message = `The image ${name} was fetched again from ${url}.`;
    const data = { sha256: stored.sha256, bytes: stored.compressedBytes, names: [name], url };
    await this.host.tell({ kind: 'image.fetched', message, data });
    return fetched;
  }

  /** Another zstd packs the same content in another way. */
  private async place(image: Image, stored: StoredImage): Promise<Image> {
    const isSame = stored.sha256 === image.sha256 && stored.chunksSha256 === image.chunksSha256;
    return isSame ? image : await this.catalogue.repacked(image, stored);
  }

  private async download(url: string, known: ImportRequest): Promise<StoredImage> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.host.signal]);
    try {
      const { stream, totalBytes } = await this.downloads.open(url, { signal, onProgress: () => undefined });
      return await this.library.import(stream, { ...known, expectedBytes: totalBytes, signal });
    } finally {
      over.abort(); // the connection to the server ends, however the import did
    }
  }

  private async noteUse(image: Image): Promise<void> {
    const nowMs = this.host.clock.monotonicMs();
    if (nowMs - (this.notedMs.get(image.id) ?? -Infinity) < noteUseMs) return;
    this.notedMs.set(image.id, nowMs);
    await this.catalogue.used(image);
  }

  private full(name: string, bytes: number, isAboveLimit: boolean): DomainError {
    if (!isAboveLimit) return diskFull(this.library.directory);
    const mib = Math.ceil(bytes / 1024 ** 2);
    return new DomainError(
      'image-cache-full',
      `The cache of images has no room for the ${mib} MiB of ${name}.`,
      {
        remedy:
          'What is in it is in use, or was sent and cannot be fetched again: delete images that are no longer needed, or allow more with DODAI_IMAGE_CACHE_MAX_GB.',
      },
    );
  }
}

function wasSent({ name, sha256 }: Image): DomainError {
  return new DomainError(
    'image-not-found',
    `The image ${name} was sent to another controller, or its files are gone.`,
    {
      remedy:
        'Hand it out where it was sent to, or import it from a URL: then every controller fetches it for itself.',
      context: { sha256 },
    },
  );
}
