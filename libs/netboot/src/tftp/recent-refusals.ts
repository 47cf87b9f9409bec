import type { Clock } from '#platform';
import { clientKey, type TftpClient } from './udp-port.js';

/** Shorter than any client waits before it asks again because an answer was lost. */
const RECENT_MS = 500;

/**
 * What was refused a moment ago. A client that waited too long has asked twice from one port, and after the first error it
 * goes on to its next file: it would take an error about the second request for the answer to that.
 */
export class RecentRefusals {
  private readonly refused = new Map<string, { path: string; atMs: number }>();

  constructor(private readonly clock: Clock) {}

  note(client: TftpClient, path: string): void {
    const nowMs = this.clock.monotonicMs();
    for (const [key, { atMs }] of this.refused) {
      if (nowMs - atMs < RECENT_MS) break; // the oldest come first
      this.refused.delete(key);
    }
    const key = clientKey(client);
    this.refused.delete(key);
    this.refused.set(key, { path, atMs: nowMs });
  }

  has(client: TftpClient, path: string): boolean {
    const last = this.refused.get(clientKey(client));
    return last?.path === path && this.clock.monotonicMs() - last.atMs < RECENT_MS;
  }
}
