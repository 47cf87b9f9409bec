import { DomainError, type ErrorCode } from '#core';
import { ApiProblem } from './api-problem.js';

/** What a script may rely on; printed by `dodai --help`. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
  forbidden: 6,
  interrupted: 130,
} as const;

export const exitCodeHelp = `
Exit codes:
  0    done
  1    the operation failed (an installation, a wipe, a BMC, the controller itself)
  2    wrong usage: an unknown option, a malformed value
  3    the controller cannot be reached
  4    there is no such machine, image, instance type or instance
  5    refused in the present state (duplicate name, machine in use, nothing free, …)
  6    the API token is missing or wrong
  130  interrupted by Ctrl-C`;

/** Codes whose status does not say it: a conflict that is a failure, an answer about the input's content. */
const ofCode: Partial<Record<ErrorCode, number>> = {
  'invalid-request': exitCodes.usage,
  'import-invalid': exitCodes.usage,
  'controller-unreachable': exitCodes.unreachable,
  'token-missing': exitCodes.forbidden,
  'token-invalid': exitCodes.forbidden,
  'instance-not-found': exitCodes.notFound,
  'installer-failed': exitCodes.failed,
  'operator-failed': exitCodes.failed,
  'deadline-expired': exitCodes.failed,
  'instance-failed': exitCodes.failed,
};

const ofStatus: Record<number, number> = {
  403: exitCodes.forbidden,
  404: exitCodes.notFound,
  409: exitCodes.refused,
};

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof DomainError)) return exitCodes.failed;
  const status = error instanceof ApiProblem ? ofStatus[error.status] : undefined;
  return ofCode[error.code] ?? status ?? exitCodes.failed;
}
