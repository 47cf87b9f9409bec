import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError, type ImageProgress } from '#core';
import { Clock, type ClockTimer } from '#platform';
import { problemOf } from '../http/problem-of.js';

export const jsonType = 'application/json';
export const streamType = 'text/event-stream';

/** Not oftener. */
const everyMs = 200;
/** Nor rarer: proxies end a connection that is silent for a minute, and people lose heart sooner. */
const beatMs = 5000;

interface LongAnswer {
  /** Of the answer that is no stream. */
  status: number;
  /** What is told when nothing was told for a while; not given: nothing, until there is something to tell. */
  first?: ImageProgress;
}

type Work = (tell: (progress: ImageProgress) => void) => Promise<object>;

/** Answers of work on an image, which may take many minutes. */
@Injectable()
export class LongAnswers {
  constructor(private readonly clock: Clock) {}

  /**
   * With JSON when the work is done; to who accepts it with server-sent events: `progress`, and at last `image` or `problem`.
   * What is refused before anything was told is thrown, so that it is a problem with its own status.
   */
  async answer(
    request: Request,
    response: Response,
    { status, first }: LongAnswer,
    work: Work,
  ): Promise<void> {
    if (request.accepts([jsonType, streamType]) === streamType)
      return await this.stream(response, first, work);
    const image = await work(() => undefined);
    response.status(status).json(image);
  }

  private async stream(response: Response, first: ImageProgress | undefined, work: Work): Promise<void> {
    const events = new Events(response, this.clock, first);
    try {
      events.write('image', await work(events.tell));
    } catch (error) {
      if (!response.headersSent || !(error instanceof DomainError)) throw error;
      events.write('problem', problemOf(error));
    } finally {
      events.rest();
    }
    response.end();
  }
}

/** WHATWG HTML, 9.2: the answer becomes a stream with its first event. */
class Events {
  private toldMs = -Infinity;
  private timer: ClockTimer;

  constructor(
    private readonly response: Response,
    private readonly clock: Clock,
    private last: ImageProgress | undefined,
  ) {
    this.timer = this.beatLater();
  }

  readonly tell = (progress: ImageProgress): void => {
    const isNext = progress.stage !== this.last?.stage || progress.doneBytes === progress.totalBytes;
    this.last = progress;
    if (isNext || this.clock.monotonicMs() - this.toldMs >= everyMs) this.writeLast();
  };

  write(event: string, data: object): void {
    const { response } = this;
    if (!response.headersSent)
      response.writeHead(200, {
        'Content-Type': streamType,
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      });
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  rest(): void {
    this.timer.cancel();
  }

  private writeLast(): void {
    this.toldMs = this.clock.monotonicMs();
    if (this.last) this.write('progress', this.last);
    this.timer.cancel();
    this.timer = this.beatLater();
  }

  private beatLater(): ClockTimer {
    return this.clock.setTimeout(() => this.writeLast(), beatMs);
  }
}
