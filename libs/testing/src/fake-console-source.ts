import { PassThrough } from 'node:stream';
import { type BmcAddress, bmcName, type ConsoleOptions, ConsoleSource } from '#power';

/** Serial consoles in memory: a test says what they say. */
export class FakeConsoleSource extends ConsoleSource {
  /** Every session that was asked for, in order. */
  readonly asked: { bmc: string; takeOver: boolean }[] = [];
  private readonly sessions = new Map<string, PassThrough>();
  private wake = () => {};

  /** `before` runs ahead of every session, and may throw in its stead. */
  constructor(private readonly before: (bmc: string) => void = () => undefined) {
    super();
  }

  async open(bmc: BmcAddress, { signal, takeOver = false }: ConsoleOptions): Promise<AsyncIterable<string>> {
    const name = bmcName(bmc);
    this.asked.push({ bmc: name, takeOver });
    this.before(name);
    signal.throwIfAborted();
    const session = new PassThrough({ objectMode: true });
    signal.addEventListener('abort', () => session.end(), { once: true });
    this.sessions.set(name, session);
    session.once('close', () => this.sessions.delete(name));
    this.wake();
    return session;
  }

  /** What the machine of this BMC says; waits until somebody listens. */
  async say(bmc: BmcAddress, text: string): Promise<void> {
    (await this.session(bmc)).write(text);
  }

  /** The session breaks off. */
  async lose(bmc: BmcAddress, error: Error): Promise<void> {
    (await this.session(bmc)).destroy(error);
  }

  private async session(bmc: BmcAddress): Promise<PassThrough> {
    for (;;) {
      const session = this.sessions.get(bmcName(bmc));
      if (session && !session.destroyed) return session;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
