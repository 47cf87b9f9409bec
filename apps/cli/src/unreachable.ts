import { connectionReason, DomainError } from '#core';

export function unreachable(url: string, error: unknown): DomainError {
  const reason = connectionReason(error);
  return new DomainError('controller-unreachable', `Cannot reach the controller at ${url}: ${reason}.`, {
    cause: error,
    remedy:
      'Is the controller running? If it is elsewhere, name it with --url or DODAI_URL, for example --url http://10.0.0.5:7071.',
  });
}
