import { type ArgumentMetadata, StandardSchemaValidationPipe } from '@nestjs/common';
import type { z } from 'zod';
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

/** Every fault with the field it is in; a field that is not known is named itself. `within`: the parameter that was checked. */
export function faultsOf(issues: readonly Issue[], within?: string): FieldFault[] {
  return issues.flatMap(({ path = [], message, code, keys }) => {
    const at = [...(within === undefined ? [] : [within]), ...path.map(keyOf)];
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

/** Checks what a route takes in more than one form, and so cannot declare. Throws as the pipe does. */
export function validated<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(faultsOf(parsed.error.issues));
}

/** Checks bodies, queries and parameters against the schemas given to their decorators. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (!metadata.schema || !this.toValidate(metadata)) return value;
    this.stripProtoKeys(value);
    const result = await this.validate<T>(value, metadata.schema);
    if (!result.issues) return result.value;
    throw invalidRequest(faultsOf(result.issues, metadata.data));
  }
}
