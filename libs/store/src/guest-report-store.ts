import type { GuestReport, ReceivedReport } from '#core';
import type { Database } from './database.js';
import type { Prisma } from './generated/client.js';

/** What the OS of an instance said of itself last. */
export class GuestReportStore {
  constructor(private readonly database: Database) {}

  async save(instanceId: string, report: GuestReport): Promise<void> {
    const received: ReceivedReport = { at: this.database.clock.now().toISOString(), report };
    // Without type assertion TypeScript does not know that an interface is JSON.
    const guestReport = received as unknown as Prisma.InputJsonObject;
    await this.database.client.instance.update({ where: { id: instanceId }, data: { guestReport } });
  }

  /** null: it has said nothing yet. */
  async find(instanceId: string): Promise<ReceivedReport | null> {
    const row = await this.database.client.instance.findUnique({
      where: { id: instanceId },
      select: { guestReport: true },
    });
    return (row?.guestReport ?? null) as ReceivedReport | null;
  }
}
