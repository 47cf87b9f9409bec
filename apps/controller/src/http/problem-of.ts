import { DomainError } from '#core';
import type { FieldFault, Problem } from '#contract';
import { statusOfCode } from './status-of-code.js';

function titleOf(code: string): string {
  const words = code.replaceAll('-', ' ').replace(/\bbmc\b/, 'BMC');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The error on the wire. `context.errors`, the faults of an input, have a place of their own there. */
export function problemOf(error: DomainError, status = statusOfCode[error.code]): Problem {
  const { errors, ...context } = error.context;
  return {
    type: `urn:dodai:problem:${error.code}`,
    title: titleOf(error.code),
    status,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(Array.isArray(errors) ? { errors: errors as FieldFault[] } : {}),
    ...(Object.keys(context).length === 0 ? {} : { context }),
  };
}
