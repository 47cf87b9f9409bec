import type { Logger } from '#platform';

interface Closer {
  what: string;
  close: () => Promise<unknown>;
}

/** What was opened, to be closed in the opposite order; one that fails does not keep the others open. */
export class Closers {
  private readonly stack: Closer[] = [];

  constructor(private readonly log: Logger) {}

  add(what: string, close: () => Promise<unknown>): void {
    this.stack.push({ what, close });
  }

  async closeAll(): Promise<void> {
    for (let closer = this.stack.pop(); closer; closer = this.stack.pop()) {
      this.log.debug(`closing: ${closer.what}`);
      await closer
        .close()
        .catch((error: unknown) => this.log.error({ err: error }, `closing failed: ${closer?.what}`));
    }
  }
}
