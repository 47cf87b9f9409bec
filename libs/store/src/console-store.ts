import { stagesOf, type MachineState } from '#core';
import type { EventStore } from './event-store.js';

/** Which part of a machine's console: that of one instance, or that of its latest work. */
export interface ConsoleScope {
  machineId: string;
  instanceId?: string;
  /** The last event that counts. */
  upTo: string;
}

const pageSize = 100;

/** The serial consoles as they are on the timelines. */
export class ConsoleStore {
  constructor(private readonly events: EventStore) {}

  /** The captured text, oldest first, piece by piece. */
  async *text({ machineId, instanceId, upTo }: ConsoleScope): AsyncGenerator<string> {
    const before = (BigInt(upTo) + 1n).toString();
    const scope = { machineId, instanceId, kinds: ['console.output'], before, limit: pageSize };
    let after: string | null = instanceId === undefined ? await this.latestWork(machineId) : '0';
    while (after !== null) {
      const page = await this.events.list({ ...scope, after });
      for (const { data } of page.items) yield data.text as string; // written by the capture alone
      after = page.next;
    }
  }

  /** Whether a session to the console of this machine was opened and not closed: whoever had it died. */
  async wasLeftOpen(machineId: string): Promise<boolean> {
    const kinds = ['console.opened', 'console.closed'];
    const { items } = await this.events.list({ machineId, kinds, order: 'desc', limit: 1 });
    return items[0]?.kind === 'console.opened';
  }

  /** The event that the latest work of an installer began with; 0 when there was none. */
  private async latestWork(machineId: string): Promise<string> {
    const scope = { machineId, kinds: ['state.changed'], order: 'desc', limit: pageSize } as const;
    let before: string | undefined;
    do {
      const page = await this.events.list({ ...scope, before });
      const began = page.items.find(({ data }) => stagesOf(data.to as MachineState));
      if (began) return began.id;
      before = page.next ?? undefined;
    } while (before !== undefined);
    return '0';
  }
}
