import { type EventView, eventView } from '#contract';
import { DomainError, type ErrorCode } from '#core';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { HttpTransport } from './http-transport.js';
import { unreachable } from './unreachable.js';

export interface EventFilter {
  machineId?: string;
  instanceId?: string;
  /** Comma-separated; `bmc.` stands for all below it. */
  kind?: string;
  /** ISO 8601. */
  since?: string;
}

export interface FollowOptions extends EventFilter {
  /** Events later than this one, first those that already happened; '0' is all of them. Not given: from now on. */
  after?: string;
  signal?: AbortSignal;
  /** Told when the connection was lost and is tried again, and when it stands again. */
  onConnection?: (state: 'lost' | 'resumed') => void;
}

export type Sleep = (durationMs: number, signal?: AbortSignal) => Promise<void>;

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** About five minutes without a controller; then it is an error. */
const mostFailuresInARow = 35;

/**
 * Events as they happen, until the signal. A lost connection is resumed after the last event seen, so that none
 * is missed and none comes twice. A first connection that fails is an error at once.
 */
export async function* followEvents(
  transport: HttpTransport,
  sleep: Sleep,
  options: FollowOptions,
): AsyncGenerator<EventView, void> {
  const { signal, onConnection } = options;
  let { after } = options;
  let failures = mostFailuresInARow; // until it stood once, a failure is an error
  let isLost = false;
  while (!signal?.aborted) {
    try {
      const messages = await connect(transport, options, after);
      if (isLost) onConnection?.('resumed');
      isLost = false;
      failures = 0;
      for await (const event of messages) {
        after = event.id;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!isLostConnection(error) || failures >= mostFailuresInARow) throw error;
      if (!isLost) onConnection?.('lost');
      isLost = true;
    }
    await sleep(Math.min(firstPauseMs * 2 ** failures, longestPauseMs), signal).catch(() => {});
    failures += 1;
  }
}

/** What a controller answers, or does not, that is away or has no database to read from. */
const awayCodes: readonly string[] = [
  'controller-unreachable',
  'shutting-down',
  'database-unavailable',
] satisfies ErrorCode[];

/** Only a controller that is away is worth another attempt; a refusal is not. */
function isLostConnection(error: unknown): error is DomainError {
  return error instanceof DomainError && awayCodes.includes(error.code);
}

async function connect(
  transport: HttpTransport,
  { machineId, instanceId, kind, since, signal }: FollowOptions,
  after: string | undefined,
): Promise<AsyncGenerator<EventView, void>> {
  const response = await transport.send({
    path: '/v1/events',
    query: { machineId, instanceId, kind, since },
    headers: { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': after }) },
    signal,
  });
  return read(response, transport.url);
}

async function* read(response: Response, url: string): AsyncGenerator<EventView, void> {
  const messages = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  try {
    for await (const { data } of messages ?? []) {
      const event = eventView.safeParse(parseJson(data));
      if (event.success) yield event.data;
    }
  } catch (error) {
    throw unreachable(url, error);
  }
}

/** A message that is no event of ours (a keep-alive of some proxy) is passed over. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
