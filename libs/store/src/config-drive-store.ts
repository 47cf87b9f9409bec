import type { Database } from './database.js';

/** Config drives that owners gave ready-made. */
export class ConfigDriveStore {
  constructor(private readonly database: Database) {}

  /** The file system; null: this instance's is built. */
  async find(instanceId: string): Promise<Buffer | null> {
    const row = await this.database.client.configDrive.findUnique({ where: { instanceId } });
    return row && Buffer.from(row.content);
  }

  /** Of these instances, those that have one. */
  async among(instanceIds: string[]): Promise<Set<string>> {
    const rows = await this.database.client.configDrive.findMany({
      where: { instanceId: { in: instanceIds } },
      select: { instanceId: true },
    });
    return new Set(rows.map(({ instanceId }) => instanceId));
  }
}
