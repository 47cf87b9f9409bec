import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { z } from 'zod';
import {
  type EventView,
  eventList,
  eventView,
  imageProgress,
  type ImageView,
  imageView,
  type Page,
  problem,
} from '#contract';
import { type Message, messagesOf } from './messages.js';
import { refusalOf, type Said, SaidError, unreachable } from './said.js';

export type ImageProgress = z.infer<typeof imageProgress>;

interface Ask {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

interface Following {
  onEvents: (events: EventView[]) => void;
  onConnection: (state: 'stands' | 'lost') => void;
}

/** How long after a lost connection the next one is tried. */
const pauseMs = 2000;
/** Of a timeline, when it is opened. */
const latestEvents = 100;

/** The REST API with a token. Every answer is held against the contract; what goes wrong is a SaidError. */
export class Api {
  constructor(
    private readonly token: string,
    private readonly onRefused: (said: Said) => void = () => undefined,
  ) {}

  async read<View>(schema: z.ZodType<View>, path: string, signal?: AbortSignal): Promise<View> {
    const response = await this.send(path, { signal });
    return schema.parse(await response.json());
  }

  /** A verb. */
  async ask(path: string, body: object = {}): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await this.send(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Every page of a list. */
  async list<Item>(
    schema: z.ZodType<Page<Item>>,
    path: string,
    query: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Item[]> {
    const items: Item[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const parameters = new URLSearchParams({ ...query, limit: '1000', ...(after && { after }) });
      const page: Page<Item> = await this.read(schema, `${path}?${parameters}`, signal);
      items.push(...page.items);
      after = page.next;
    }
    return items;
  }

  /** Has an image looked into anew. */
  async checkImage(
    id: string,
    onProgress: (progress: ImageProgress) => void,
    signal?: AbortSignal,
  ): Promise<ImageView> {
    const path = `/v1/images/${encodeURIComponent(id)}/check`;
    const response = await this.open(path, { method: 'POST', signal });
    for await (const { event, data } of arriving(response)) {
      if (event === 'image') return imageView.parse(JSON.parse(data));
      if (event === 'problem') throw new SaidError(problem.parse(JSON.parse(data)));
      if (event === 'progress') onProgress(imageProgress.parse(JSON.parse(data)));
    }
    throw unreachable('The connection ended in the middle of the check.');
  }

  /** A timeline: its latest events, and then each as it happens, until the signal. A lost connection is taken up again. */
  async followMachine(id: string, { onEvents, onConnection }: Following, signal: AbortSignal): Promise<void> {
    const path = `/v1/machines/${encodeURIComponent(id)}/events`;
    const { items } = await this.read(eventList, `${path}?order=desc&limit=${latestEvents}`, signal);
    onEvents(items.toReversed());
    let after = items[0]?.id ?? '0';
    while (!signal.aborted) {
      try {
        const response = await this.open(path, { signal, headers: { 'last-event-id': after } });
        onConnection('stands');
        for await (const { data } of arriving(response)) {
          const event = eventView.parse(JSON.parse(data));
          after = event.id;
          onEvents([event]);
        }
      } catch (error) {
        if (!isLostConnection(error)) throw error;
      }
      onConnection('lost');
      await pause(signal);
    }
  }

  private open(path: string, ask: Ask): Promise<Response> {
    const headers = { accept: 'text/event-stream, application/problem+json', ...ask.headers };
    return this.send(path, { ...ask, headers });
  }

  private async send(path: string, ask: Ask): Promise<Response> {
    const headers = { ...ask.headers, authorization: `Bearer ${this.token}` };
    const response = await fetch(path, { ...ask, headers }).catch((error: unknown) => {
      throw unreachable(error);
    });
    if (response.ok) return response;
    const refusal = await refusalOf(response);
    const { code } = refusal.said;
    if (code === 'token-invalid' || code === 'token-missing') this.onRefused(refusal.said);
    throw refusal;
  }
}

async function* arriving(response: Response): AsyncGenerator<Message> {
  try {
    yield* messagesOf(response);
  } catch (error) {
    throw unreachable(error);
  }
}

/** Only a controller that is away is worth another attempt; a refusal is not. */
const isLostConnection = (error: unknown) =>
  error instanceof SaidError && (error.said.code === undefined || error.said.code === 'shutting-down');

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export const ApiContext = createContext<Api | undefined>(undefined);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error('A page is shown only when there is a token.');
  return api;
}
