import { DomainError } from '#core';
import { type Clock, type Secret, type SecretBox } from '#platform';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.js';
import { applyMigrations } from './migrations.js';

/**
 * How long a transaction may wait for a connection, and take, in milliseconds. Prisma's own 2 and 5 seconds make a crowd of
 * machines that report at once into failed work: to be late is better.
 */
const transactionOptions = { maxWait: 30_000, timeout: 30_000 };

/** What the stores share: the connection pool, the time, and the key that passwords are kept under. */
export class Database {
  private constructor(
    readonly url: Secret,
    readonly client: PrismaClient,
    readonly clock: Clock,
    readonly box: SecretBox,
  ) {}

  /** Connects and applies the migrations that are missing. Throws DomainError `database-unavailable`. */
  static async open(url: Secret, clock: Clock, box: SecretBox): Promise<Database> {
    try {
      await applyMigrations(url.reveal());
      const adapter = new PrismaPg({ connectionString: url.reveal() });
      const client = new PrismaClient({ adapter, transactionOptions });
      await client.$queryRaw`SELECT 1`;
      return new Database(url, client, clock, box);
    } catch (cause) {
      const { host } = new URL(url.reveal());
      throw new DomainError(
        'database-unavailable',
        `PostgreSQL at ${host} did not answer or refused: ${String(cause)}`,
        {
          cause,
          remedy: 'Check DATABASE_URL, that the server runs, and that the user may create tables.',
        },
      );
    }
  }

  /** Throws when the database does not answer. */
  async ping(): Promise<void> {
    await this.client.$queryRaw`SELECT 1`;
  }

  async close(): Promise<void> {
    await this.client.$disconnect();
  }
}
