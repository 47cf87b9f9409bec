import type { Clock, ClockTimer, Logger } from '#platform';
import type { ImageCache } from './image-cache.js';

/** Keeps the cache within its policy: looks at the start, and again and again. */
export class CacheKeeper {
  private isStopped = false;
  private running: Promise<void> = Promise.resolve();
  private timer: ClockTimer | undefined;

  constructor(
    private readonly cache: ImageCache,
    private readonly everyMs: number,
    private readonly host: { clock: Clock; logger: Logger },
  ) {}

  start(): void {
    this.running = this.round().finally(() => {
      if (!this.isStopped) this.timer = this.host.clock.setTimeout(() => this.start(), this.everyMs);
    });
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    await this.running;
  }

  private async round(): Promise<void> {
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
