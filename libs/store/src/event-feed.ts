import type { TimelineEvent } from '#core';
import type { Logger } from '#platform';
import pg from 'pg';
import type { Database } from './database.js';
import { type EventStore } from './event-store.js';

type Listener = (event: TimelineEvent) => void;
const batch = 500;
const reconnectMs = 1000;
/** Between two reads: what a crowd writes meanwhile is read together. */
const pauseMs = 10;

/**
 * Tells of every new event, whichever process wrote it: PostgreSQL's NOTIFY says that there is something, the
 * events are then read in the order of their ids. After a lost connection it goes on where it stood.
 */
export class EventFeed {
  private readonly listeners = new Set<Listener>();
  private connection: pg.Client | undefined;
  private lastId = '0';
  private reading: Promise<void> = Promise.resolve();
  private isReadDue = false;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly events: EventStore,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.lastId = await this.events.latestId();
    await this.listen();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.connection?.end();
    await this.reading;
  }

  /** The listener is called for each event from now on. Call the answer to end it. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async listen(): Promise<void> {
    const connection = new pg.Client({ connectionString: this.database.url.reveal(), keepAlive: true });
    connection.on('notification', () => this.read());
    connection.on('error', (error) =>
      this.logger.warn({ error: error.message }, 'the event feed lost its connection'),
    );
    connection.on('end', () => this.reconnect());
    this.connection = connection;
    await connection.connect();
    await connection.query('LISTEN dodai_events');
    this.read();
  }

  /** A connection ends exactly once, also one that never came about: so there is always one that is being tried. */
  private reconnect(): void {
    if (this.stopped) return;
    this.database.clock.setTimeout(() => {
      if (!this.stopped) this.listen().catch(() => this.connection?.end());
    }, reconnectMs);
  }

  /** Reads one after another; all notifications that come before a read has begun are served by that one. */
  private read(): void {
    if (this.isReadDue) return;
    this.isReadDue = true;
    this.reading = this.reading
      .then(() => {
        this.isReadDue = false;
        return this.deliver();
      })
      .then(() => this.database.clock.sleep(pauseMs))
      .catch((error: unknown) => {
        if (!this.stopped) this.logger.warn({ error: String(error) }, 'the event feed could not read');
      });
  }

  private async deliver(): Promise<void> {
    for (;;) {
      const { items } = await this.events.list({ after: this.lastId, limit: batch });
      for (const event of items) {
        this.lastId = event.id;
        for (const listener of this.listeners) listener(event);
      }
      if (items.length < batch) return;
    }
  }
}
