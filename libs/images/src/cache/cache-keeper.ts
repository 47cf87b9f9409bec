import { type Clock, type Logger, Rounds } from '#platform';
import type { ImageCache } from './image-cache.js';

/** Keeps the cache within its policy: looks at the start, and again and again. */
export class CacheKeeper {
  private readonly rounds: Rounds;

  constructor(
    private readonly cache: ImageCache,
    everyMs: number,
    private readonly host: { clock: Clock; logger: Logger },
  ) {
    this.rounds = new Rounds(() => this.tidy(), everyMs, host.clock);
  }

  start(): void {
    this.rounds.start();
  }

  async stop(): Promise<void> {
    await this.rounds.stop();
  }

  private async tidy(): Promise<void> {
    try {
      await this.cache.tidy();
    } catch (error) {
      this.host.logger.warn(
        { error: String(error) },
        'the cache of images was not tidied; it is tried again',
      );
    }
  }
}
