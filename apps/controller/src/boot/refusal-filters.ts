import { Catch, Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { DomainError } from '#core';
import type { Logger } from '#platform';
import { ProblemFilter } from '../http/problem.filter.js';
import { LOG } from '../parts.module.js';
import { FetchRecorder } from './fetch-recorder.js';
import { plainAddress } from './machine-resolver.js';
import { NotifyRefusals } from './notify-refusals.js';

/** Answers as everywhere, and puts on the timeline of the machine what it was not given. */
@Catch()
@Injectable()
export class FetchRefusalFilter extends ProblemFilter {
  constructor(
    @Inject(LOG) log: Logger,
    private readonly recorder: FetchRecorder,
  ) {
    super(log);
  }

  protected override onRefused(request: Request, error: DomainError): void {
    this.recorder.refused(request, error);
  }
}

/** Answers as everywhere, and puts on the timeline of the machine which word of it was not taken. */
@Catch()
@Injectable()
export class NotifyRefusalFilter extends ProblemFilter {
  constructor(
    @Inject(LOG) log: Logger,
    private readonly refusals: NotifyRefusals,
  ) {
    super(log);
  }

  protected override onRefused({ body, params, socket }: Request, error: DomainError): void {
    const said = (body as { state?: unknown } | null | undefined)?.state;
    const client = plainAddress(socket.remoteAddress);
    this.refusals.record({ instanceId: String(params.id), said, client }, error);
  }
}
