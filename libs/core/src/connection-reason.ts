/** Plain words for what the resolver or the operating system said. */
const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the name server did not answer',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'there is no route to that network',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was closed before the end',
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

/** Why a connection failed. The reason may be in the error, in its cause, or in one of several. */
export function connectionReason(error: unknown): string {
  const code = codesOf(error).find((candidate) => candidate in reasons);
  return (code && reasons[code]) ?? textOf(error);
}
