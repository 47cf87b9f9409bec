import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { DomainError } from '#core';
import type { Asker } from '#provisioning';
import { TokenStore } from '#store';

const openToAll = 'dodai:open';
/** The route needs no API token: it has a guard of its own, or nothing to hide. */
export const NeedsNoApiToken = () => SetMetadata(openToAll, true);

interface Authenticated extends Request {
  asker?: Asker;
}

/** The token of `Authorization: Bearer …`. Throws DomainError `token-missing`. */
export function bearerTokenOf(request: Request): string {
  const [, token] = /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined) return token;
  throw new DomainError('token-missing', 'The request carries no token.', {
    remedy:
      'Send the header Authorization: Bearer TOKEN; the first API token is in the file api-token of the data directory.',
  });
}

/** Every route of this program needs an API token unless it says otherwise. */
@Injectable()
export class ApiTokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokenStore,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(openToAll, [context.getHandler(), context.getClass()]))
      return true;
    const request = context.switchToHttp().getRequest<Authenticated>();
    const token = await this.tokens.verify(bearerTokenOf(request));
    if (!token)
      throw new DomainError('token-invalid', 'The API token is not known.', {
        remedy:
          'Send a token of this controller; the first one is in the file api-token of its data directory.',
      });
    request.asker = { kind: 'token', name: token.name };
    return true;
  }
}

/** Who asked, for the timeline. */
export const AskedBy = createParamDecorator((_data: unknown, context: ExecutionContext): Asker => {
  const { asker } = context.switchToHttp().getRequest<Authenticated>();
  if (!asker) throw new DomainError('internal', 'A route that tells who asked needs the API token guard.');
  return asker;
});
