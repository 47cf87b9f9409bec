import type { Logger } from '#platform';
import pg from 'pg';
import type { Database } from './database.js';

/** A machine that this process holds for some purpose. */
export interface MachineLock {
  /** Aborted when the hold was lost with the connection to the database. */
  signal: AbortSignal;
  release(): Promise<void>;
}

/** What for; the number tells PostgreSQL's locks of one purpose from those of another. */
const purposes = { console: 0x646f6401 } as const;

/**
 * Lets one process of all have a machine for something that is not recorded anywhere: PostgreSQL's advisory locks, which end with
 * their connection, so that a process that died holds nothing.
 */
export class MachineLocks {
  private connection: Promise<pg.Client> | undefined;
  private readonly held = new Set<AbortController>();

  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
  ) {}

  /** null: another process has it. One process must not ask twice for what it holds. */
  async take(purpose: keyof typeof purposes, machineId: string): Promise<MachineLock | null> {
    const connection = await this.connect();
    const values = [purposes[purpose], machineId];
    const { rows } = await connection.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken',
      values,
    );
    if (!rows[0]?.taken) return null;
    const lost = new AbortController();
    this.held.add(lost);
    const release = async () => {
      if (!this.held.delete(lost)) return; // it went with its connection
      await connection.query('SELECT pg_advisory_unlock($1, hashtext($2))', values);
    };
    return { signal: lost.signal, release };
  }

  async stop(): Promise<void> {
    await (await this.connection?.catch(() => undefined))?.end();
  }

  private connect(): Promise<pg.Client> {
    this.connection ??= this.open().catch((error: unknown) => {
      this.connection = undefined;
      throw error;
    });
    return this.connection;
  }

  private async open(): Promise<pg.Client> {
    const connection = new pg.Client({ connectionString: this.database.url.reveal(), keepAlive: true });
    connection.on('error', (error) =>
      this.logger.warn({ error: error.message }, 'the connection that holds machines was lost'),
    );
    connection.on('end', () => this.lose());
    await connection.connect();
    return connection;
  }

  private lose(): void {
    this.connection = undefined;
    const lost = [...this.held];
    this.held.clear();
    for (const hold of lost) hold.abort();
  }
}
