import { StandardSchemaValidationPipe } from '@nestjs/common';
import { DomainError } from '#core';
import type { FieldFault } from '#contract';

/** What zod adds to an issue of the Standard Schema. */
interface Issue {
  readonly message: string;
  readonly path?: readonly unknown[];
  readonly code?: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** Path segments are keys, or objects that have the key. */
function keyOf(segment: unknown): string {
  return String(typeof segment === 'object' && segment !== null && 'key' in segment ? segment.key : segment);
}

/** Every fault with the field it is in; a field that is not known is named itself. */
export function faultsOf(issues: readonly Issue[]): FieldFault[] {
  return issues.flatMap(({ path = [], message, code, keys }) => {
    const at = path.map(keyOf);
    if (code !== 'unrecognized_keys' || !keys) return [{ field: at.join('.'), message }];
    return keys.map((key) => ({ field: [...at, key].join('.'), message: 'there is no such field' }));
  });
}

export function invalidRequest(errors: FieldFault[]): DomainError {
  const named = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return new DomainError('invalid-request', `The request has faults: ${named.join('; ')}`, {
    context: { errors },
    remedy: 'Mend the named fields; /docs describes each.',
  });
}

/** Checks bodies, queries and parameters against the schemas given to their decorators. */
export const validationPipe = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) => invalidRequest(faultsOf(issues)),
});
