import { DomainError } from '#core';

/** Plain words for what the operating system or the TLS layer said. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the name server did not answer',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no route to that network',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was closed in the middle',
};

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const several = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...own, ...several, ...codesOf(error.cause)];
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? textOf(error.cause) : error.message;
}

/** The reason may be in the error, in its cause, or in one of several. */
export function unreachable(url: string, error: unknown): DomainError {
  const code = codesOf(error).find((candidate) => candidate in reasons);
  const reason = (code && reasons[code]) ?? textOf(error);
  return new DomainError('controller-unreachable', `Cannot reach the controller at ${url}: ${reason}.`, {
    cause: error,
    remedy:
      'Is the controller running? If it is elsewhere, name it with --url or DODAI_URL, for example --url http://10.0.0.5:7071.',
  });
}
