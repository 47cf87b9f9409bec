import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { isOfKind, type TimelineEvent } from '#core';
import { Clock } from '#platform';
import { EventFeed, EventStore } from '#store';
import { Shutdown } from '../http/shutdown.js';
import { eventViewOf } from './views.js';

export interface EventScope {
  machineId?: string;
  instanceId?: string;
  /** See `isOfKind`. */
  kinds?: readonly string[];
  since?: Date;
}

const heartbeatMs = 15_000;
const reconnectMs = 2000;
const pageSize = 500;
/** A client that does not read is let go; it resumes where it was. */
const backlogBytes = 4 * 1024 * 1024;

/** Server-sent events (WHATWG HTML, 9.2): first what the client missed, then what happens. */
@Injectable()
export class EventStream {
  constructor(
    private readonly events: EventStore,
    private readonly feed: EventFeed,
    private readonly clock: Clock,
    private readonly shutdown: Shutdown,
  ) {}

  /** Resolves when the client is gone or the controller stops. Without `after` or a time it begins with the next event. */
  async send(response: Response, scope: EventScope, resumeAfter: string | undefined): Promise<void> {
    const after = resumeAfter ?? (scope.since && '0');
    const { signal } = this.shutdown;
    const connection = new Connection(response, scope, after);
    const unsubscribe = this.feed.subscribe((event) => connection.onEvent(event));
    const stop = () => connection.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      connection.open();
      if (after !== undefined) await this.catchUp(connection, scope, after);
      connection.goLive();
      await this.beat(connection);
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', stop);
      connection.end();
    }
  }

  private async catchUp(connection: Connection, scope: EventScope, after: string): Promise<void> {
    for (let next: string | null = after; next !== null && !connection.closed;) {
      const page = await this.events.list({ ...scope, after: next, limit: pageSize });
      for (const event of page.items) connection.write(event);
      await connection.drained();
      next = page.next;
    }
  }

  /** Comments, so that proxies and clients can tell silence from a dead connection. */
  private async beat(connection: Connection): Promise<void> {
    while (!connection.closed) {
      const timer = this.clock.setTimeout(() => connection.wake(), heartbeatMs);
      await connection.woken();
      timer.cancel();
      connection.comment('alive');
    }
  }
}

class Connection {
  closed = false;
  private lastId: bigint;
  /** What happens during the catch-up; null: live. */
  private waiting: TimelineEvent[] | null = [];
  wake: () => void = () => undefined;

  constructor(
    private readonly response: Response,
    private readonly scope: EventScope,
    after: string | undefined,
  ) {
    this.lastId = BigInt(after ?? 0);
    response.once('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  open(): void {
    this.response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    this.response.write(`retry: ${reconnectMs}\n\n`);
  }

  onEvent(event: TimelineEvent): void {
    if (this.waiting) this.waiting.push(event);
    else this.write(event);
  }

  goLive(): void {
    const missed = this.waiting ?? [];
    this.waiting = null;
    for (const event of missed) this.write(event);
  }

  write(event: TimelineEvent): void {
    if (this.closed || !this.concerns(event) || BigInt(event.id) <= this.lastId) return;
    this.lastId = BigInt(event.id);
    const data = JSON.stringify(eventViewOf(event));
    this.response.write(`id: ${event.id}\nevent: ${event.kind}\ndata: ${data}\n\n`);
    if (this.waiting === null && this.response.writableLength > backlogBytes) this.end();
  }

  comment(text: string): void {
    if (!this.closed) this.response.write(`: ${text}\n\n`);
  }

  end(): void {
    if (!this.closed) this.response.end();
    this.closed = true;
    this.wake();
  }

  woken(): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** Resolves when the client has read enough for more to be written. */
  async drained(): Promise<void> {
    if (this.closed || !this.response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.response.once('close', resolve);
    });
  }

  private concerns({ machineId, instanceId, kind, at }: TimelineEvent): boolean {
    const { scope } = this;
    return (
      (scope.machineId === undefined || scope.machineId === machineId) &&
      (scope.instanceId === undefined || scope.instanceId === instanceId) &&
      (scope.kinds === undefined || isOfKind(kind, scope.kinds)) &&
      (scope.since === undefined || at >= scope.since)
    );
  }
}
