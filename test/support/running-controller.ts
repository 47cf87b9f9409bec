import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '#platform';
import type { EventView, Problem } from '#contract';
import { createParser } from 'eventsource-parser';
import { Controller } from '../../apps/controller/src/controller.js';
import type { Brought } from '../../apps/controller/src/parts.js';

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

interface Ask {
  /** JSON unless `type` says otherwise. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  token?: string | null;
}

/** The real controller with its own PostgreSQL in a data directory of its own, on free ports of loopback. */
export class RunningController {
  private constructor(
    readonly dataDir: string,
    readonly token: string,
    readonly controller: Controller,
  ) {}

  static async start(
    environment: Record<string, string> = {},
    brought: Brought = {},
  ): Promise<RunningController> {
    const dataDir = environment.DODAI_DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'dodai-controller-')));
    await chmod(dataDir, 0o755); // PostgreSQL runs as a user of its own
    const config = loadConfig({
      DODAI_DATA_DIR: dataDir,
      DODAI_HTTP_HOST: '127.0.0.1',
      DODAI_HTTP_PORT: '0',
      DODAI_PUBLIC_URL: 'http://127.0.0.1:7071',
      DODAI_NGINX_PORT: '0',
      DODAI_METADATA_PORT: '0',
      DODAI_TFTP_HOST: '127.0.0.1',
      DODAI_TFTP_PORT: '0',
      DODAI_BMC_TIMEOUT_S: '3',
      DODAI_RETRIES: '0',
      DODAI_POWER_SYNC_S: '0', // a look that a test does not expect is not in what it counts
      DODAI_LOG_LEVEL: 'error',
      ...environment,
    });
    const controller = await Controller.start(config, createLogger(config.log), brought);
    const token = await readFile(join(dataDir, 'api-token'), 'utf8').catch(() => '');
    return new RunningController(dataDir, token.trim(), controller);
  }

  get url(): string {
    return `http://127.0.0.1:${this.controller.listeners.httpPort}`;
  }

  async stop(): Promise<void> {
    await this.controller.stop();
  }

  /** Stops it and removes its data. */
  async end(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async ask<Body = Record<string, unknown>>(
    method: string,
    path: string,
    ask: Ask = {},
  ): Promise<Answer<Body>> {
    const response = await this.fetch(method, path, ask);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as Body,
    };
  }

  /** For an answer that is a problem; fails when it is none. */
  async refused(method: string, path: string, ask: Ask = {}): Promise<Problem> {
    const { status, headers, body } = await this.ask<Problem>(method, path, ask);
    if (headers.get('content-type') !== 'application/problem+json; charset=utf-8' || body.status !== status)
      throw new Error(
        `${method} ${path} was answered ${status} ${JSON.stringify(body)}, which is no problem`,
      );
    return body;
  }

  /** Follows a timeline from after this event, until one is found that is meant. Fails after 40 s. */
  async untilEvent(
    path: string,
    isMeant: (event: EventView) => boolean,
    lastEventId = '0',
  ): Promise<{ found: EventView; seen: EventView[] }> {
    const seen: EventView[] = [];
    for await (const event of this.follow(path, lastEventId)) {
      seen.push(event);
      if (isMeant(event)) return { found: event, seen };
    }
    throw new Error(`${path} ended after ${seen.map(({ message }) => message).join('; ')}`);
  }

  /** Server-sent events; the connection ends with the loop. */
  async *follow(path: string, lastEventId?: string): AsyncGenerator<EventView> {
    const abort = new AbortController();
    const patience = AbortSignal.any([abort.signal, AbortSignal.timeout(40_000)]);
    const resume: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${this.token}`, ...resume };
    const response = await fetch(this.url + path, { headers, signal: patience });
    if (response.status !== 200 || !response.body)
      throw new Error(`${path}: ${response.status} ${await response.text()}`);
    const received: EventView[] = [];
    const parser = createParser({ onEvent: ({ data }) => received.push(JSON.parse(data) as EventView) });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        yield* received.splice(0);
      }
    } finally {
      abort.abort();
    }
  }

  fetch(
    method: string,
    path: string,
    { body, type, headers = {}, token = this.token }: Ask = {},
  ): Promise<Response> {
    const isJson = body !== undefined && type === undefined;
    return fetch(this.url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...headers,
      },
      body: isJson ? JSON.stringify(body) : (body as string | Uint8Array<ArrayBuffer> | undefined),
    });
  }
}

/** A machine to enrol; every number gives another one. */
export function machineNumber(n: number, over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: `m${n}`,
    instanceType: 'standard',
    bmcHost: '127.0.0.1',
    bmcPort: 10_000 + n,
    bmcUser: 'admin',
    bmcPassword: 'secret',
    pxeMac: `52:54:00:00:${String(Math.floor(n / 100)).padStart(2, '0')}:${String(n % 100).padStart(2, '0')}`,
    pxeIp: `10.99.${Math.floor(n / 200)}.${(n % 200) + 1}`,
    ...over,
  };
}
