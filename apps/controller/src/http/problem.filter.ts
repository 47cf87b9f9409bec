import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError } from '#core';
import type { Problem } from '#contract';
import type { Logger } from '#platform';
import { databaseUnavailable } from '#store';
import { problemOf } from './problem-of.js';

/** What Express and its router throw has a status. */
function isClientFault(error: unknown): error is Error & { status: number } {
  if (!(error instanceof Error) || !('status' in error)) return false;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}

function domainErrorOf(error: unknown, request: Request): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof HttpException && error.getStatus() === 404)
    return new DomainError('not-found', `There is no ${request.method} ${request.path}.`, {
      remedy: 'See /docs for what there is.',
    });
  if (error instanceof HttpException && error.getStatus() < 500)
    return new DomainError('invalid-request', error.message);
  if (isClientFault(error))
    return new DomainError('invalid-request', `The request cannot be read: ${error.message}`);
  const unavailable = databaseUnavailable(error);
  if (unavailable) return unavailable;
  return new DomainError('internal', 'The controller failed in a way it did not expect.', {
    cause: error,
    remedy: 'The reason is in the log of the controller. Trying again may help.',
  });
}

interface Locals {
  problemStatus?: number;
}

/** For the rare request in which an error has another status than elsewhere. */
export function answerProblemWith(response: Response, status: number): void {
  (response.locals as Locals).problemStatus = status;
}

function sendProblem(response: Response, problem: Problem): void {
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="dodai"');
  if (problem.status === 503) response.setHeader('Retry-After', '5');
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** The one place where errors become answers. What was not raised on purpose is logged and not shown. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const domainError = domainErrorOf(error, request);
    const problem = problemOf(domainError, (response.locals as Locals).problemStatus);
    this.note(request, domainError, problem);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.onRefused(request, domainError);
    sendProblem(response, problem);
    request.resume(); // what is still on its way must be read, or the sender never looks at the answer
  }

  /** For filters of routes whose refusals are worth a record. */
  protected onRefused(_request: Request, _error: DomainError): void {}

  /** What was refused for a reason is the client's to know; faults of our own are the operator's. */
  private note({ method, path }: Request, error: DomainError, { status, code, detail }: Problem): void {
    if (status === 500) this.log.error({ err: error.cause ?? error, method, path, code }, detail);
    else if (status > 500) this.log.warn({ method, path, code }, detail);
  }
}
