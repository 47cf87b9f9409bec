import { DomainError } from '#core';
import { Prisma } from './generated/client.js';

/** Prisma's codes from P1000 on are about the connection; these about getting none of the pool, or of the server. */
const exhausted = new Set(['P2024', 'P2028', 'P2037']);

/** SQLSTATE of a server that stops, starts or was cut off: class 08, and 57P01 to 57P03. The adapter reports it in `meta`. */
const isStopping = (error: Prisma.PrismaClientKnownRequestError) =>
  /"(originalCode|code)":"(08|57P0)/.test(JSON.stringify(error.meta ?? {}));

/** How the adapter calls a server that it cannot reach, or is turned away by, where Prisma's own code says no more than "raw query failed". */
const isUnreachable = (error: Prisma.PrismaClientKnownRequestError) =>
  /"kind":"(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TlsConnectionError|TooManyConnections)"/.test(
    JSON.stringify(error.meta ?? {}),
  );

/** How pg tells of a connection that broke: in words alone. */
const isBroken = (error: unknown) =>
  error instanceof Error &&
  /^(Connection terminated|Client has encountered a connection error)/.test(error.message);

/** The error as DomainError `database-unavailable` when the database was not there; undefined when it is another one. */
export function databaseUnavailable(error: unknown): DomainError | undefined {
  const isGone =
    error instanceof Prisma.PrismaClientInitializationError ||
    isBroken(error) ||
    (error instanceof Prisma.PrismaClientKnownRequestError &&
      (error.code.startsWith('P10') ||
        exhausted.has(error.code) ||
        isStopping(error) ||
        isUnreachable(error)));
  if (!isGone) return undefined;
  return new DomainError('database-unavailable', 'The database does not answer.', {
    cause: error,
    remedy: 'Ask again in a moment. If it stays so, look at PostgreSQL and at the log of the controller.',
  });
}

/** Of a failed query for many: it is the database that failed, not what one of them asked. */
export function isNobodys(error: unknown): boolean {
  return databaseUnavailable(error) !== undefined;
}
