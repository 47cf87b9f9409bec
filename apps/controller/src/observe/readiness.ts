import { DomainError } from '#core';
import type { Clock } from '#platform';

/** What does not answer for so long does not answer. */
const pingMs = 3000;

type Check = 'ok' | 'unreachable';

/** What has to answer for this process to do its work. */
export class Readiness {
  private readonly pings = new Map<string, () => Promise<unknown>>();

  constructor(private readonly clock: Clock) {}

  /** @param ping rejects when it does not answer */
  add(what: string, ping: () => Promise<unknown>): void {
    this.pings.set(what, ping);
  }

  async checks(): Promise<Record<string, Check>> {
    const checks = [...this.pings].map(async ([what, ping]) => [what, await this.answers(ping)] as const);
    return Object.fromEntries(await Promise.all(checks));
  }

  /** Not the reason of a failure: it may name hosts and users, and anybody may ask. */
  private async answers(ping: () => Promise<unknown>): Promise<Check> {
    const over = new AbortController();
    const tooLate = this.clock
      .sleep(pingMs, over.signal)
      .then(() => Promise.reject(new DomainError('internal', 'no answer')));
    try {
      await Promise.race([ping(), tooLate]);
      return 'ok';
    } catch {
      return 'unreachable';
    } finally {
      over.abort();
      tooLate.catch(() => undefined);
    }
  }
}
