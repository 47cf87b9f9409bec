import { once } from 'node:events';
import type { Image } from '#core';
import type { ImageCache } from '../cache/image-cache.js';
import type { ImageLibrary, InspectionRequest } from '../image-library.js';

/** The content of an image that is unpacked, or on its way to be. */
interface Unpacked {
  users: number;
  /** Of those who wait for it. */
  readonly told: Set<InspectionRequest['onProgress']>;
  readonly over: AbortController;
  readonly file: Promise<string>;
  /** Resolves when it is gone again. */
  gone: Promise<void>;
}

/** The contents of images as plain, sparse files: unpacked once for all who need one at the same time, and gone with the last of them. */
export class UnpackedImages {
  private readonly unpacked = new Map<string, Unpacked>();

  constructor(
    private readonly cache: ImageCache,
    private readonly library: ImageLibrary,
  ) {}

  /** The file is there as long as `work` goes on. Throws what `ImageCache.inspect` throws. */
  async use<T>(
    image: Image,
    { signal, onProgress }: InspectionRequest,
    work: (file: string) => Promise<T>,
  ): Promise<T> {
    const unpacked = this.unpacked.get(image.id) ?? this.unpack(image);
    unpacked.users += 1;
    unpacked.told.add(onProgress);
    try {
      const file = await Promise.race([unpacked.file, aborted(signal)]);
      return await work(file);
    } finally {
      unpacked.told.delete(onProgress);
      unpacked.users -= 1;
      if (unpacked.users === 0) await this.end(image, unpacked);
    }
  }

  private unpack(image: Image): Unpacked {
    const over = new AbortController();
    const told: Unpacked['told'] = new Set();
    let gone = Promise.resolve();
    const file = new Promise<string>((resolve, reject) => {
      const following: InspectionRequest = {
        signal: over.signal,
        onProgress: (progress) => told.forEach((tell) => tell(progress)),
      };
      const until = async (path: string) => {
        resolve(path);
        if (!over.signal.aborted) await once(over.signal, 'abort');
      };
      gone = this.cache
        .whileHeld(image, image.dataBytes, (held) => this.library.withContent(held, following, until))
        .catch(reject);
    });
    const unpacked = { users: 0, told, over, file, gone };
    this.unpacked.set(image.id, unpacked);
    return unpacked;
  }

  /** Whoever comes now has it unpacked anew. */
  private async end(image: Image, { over, gone }: Unpacked): Promise<void> {
    this.unpacked.delete(image.id);
    over.abort();
    await gone;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}
