import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { DomainError } from '#core';
import { MiB, parseJson, readBody, textOf } from './body-reader.js';

interface BodyRule {
  /** `stream`: the handler reads it itself. */
  as: 'json' | 'text' | 'stream';
  types: readonly string[];
  limitBytes: number;
  /** A request without a body is as good as `{}`. */
  optional?: boolean;
}

const metadataKey = 'dodai:body';
const json: BodyRule = { as: 'json', types: ['application/json'], limitBytes: MiB };

/** What body the route takes; without it, and only for methods that have a body: JSON of at most 1 MiB. */
export const TakesBody = (rule: Partial<BodyRule>) => SetMetadata(metadataKey, { ...json, ...rule });
/** The route takes no body although its method could have one. */
export const TakesNoBody = () => SetMetadata(metadataKey, null);

const silenceMs = 120_000;
const withBody = new Set(['POST', 'PUT', 'PATCH']);

/** Reads bodies after the guards have let the request in, so that a stranger cannot fill the memory. */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const rule = this.reflector.get<BodyRule | null | undefined>(metadataKey, context.getHandler());
    if (rule !== null && (rule || withBody.has(request.method))) await read(request, rule ?? json);
    return next.handle();
  }
}

/** RFC 9112, 6: a request has a body when one of these headers says so. */
function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function read(request: Request, { as, types, limitBytes, optional }: BodyRule): Promise<void> {
  if (optional && !hasBody(request)) {
    request.body = {};
    return;
  }
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === undefined || !types.includes(type))
    throw new DomainError(
      'invalid-request',
      `The body is ${type ?? 'without Content-Type'}; ${types.join(' or ')} is needed.`,
      { remedy: `Send Content-Type: ${types.join(' or ')}.` },
    );
  endWhenSilent(request);
  if (as === 'stream') return;
  const body = await readBody(request, limitBytes);
  request.body = as === 'json' ? parseJson(body) : textOf(body);
}

/** A sender that stops in the middle of a body does not hold its connection for ever. Node closes a socket that times out. */
function endWhenSilent(request: Request): void {
  request.socket.setTimeout(silenceMs);
  request.once('end', () => request.socket.setTimeout(0));
}
