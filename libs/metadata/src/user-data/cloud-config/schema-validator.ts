import { Ajv, type AnySchema, type Options, type ValidateFunction } from 'ajv';
import ajvDraft04 from 'ajv-draft-04';
import ajvFormats from 'ajv-formats';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** What cloud-init itself checks; the others need Python packages that a guest has not. */
const checkedFormats = ['date', 'email', 'ipv4', 'ipv6', 'regex'] as const;

const options: Options = { strict: false, logger: false, unicodeRegExp: false, verbose: true };

/** The validator for the draft that a schema says it is written in. */
export function ajvFor(schema: object, allErrors: boolean): Ajv {
  const ajv = withDraft(String((schema as { $schema?: unknown }).$schema), { ...options, allErrors });
  ajvFormats.default(ajv, [...checkedFormats]);
  return ajv;
}

function withDraft(draft: string, given: Options): Ajv {
  if (draft.includes('draft-04')) return new ajvDraft04.default(given);
  if (draft.includes('2019-09')) return new Ajv2019(given);
  if (draft.includes('2020-12')) return new Ajv2020(given);
  return new Ajv(given);
}

/** What a schema says of a value that it takes and does not want any more. */
export interface Deprecation {
  /** JSON pointer. */
  instancePath: string;
  schema: DeprecatedSchema;
}

export interface DeprecatedSchema {
  description?: string;
  deprecated_description?: string;
  deprecated_version?: string;
}

/**
 * Tells the deprecated forms that a valid document uses. The keyword comes last, and nothing is looked at after a fault: so only
 * those are told that the document really has, not the branches that did not fit.
 */
export class DeprecationFinder {
  private found: Deprecation[] = [];
  private readonly validate: ValidateFunction;

  constructor(schema: AnySchema) {
    const ajv = ajvFor(schema as object, false);
    ajv.removeKeyword('deprecated');
    ajv.addKeyword({
      keyword: 'deprecated',
      schemaType: 'boolean',
      post: true,
      errors: false,
      validate: (
        deprecated: boolean,
        _data: unknown,
        schema?: DeprecatedSchema,
        at?: { instancePath: string },
      ) => {
        if (deprecated) this.found.push({ instancePath: at?.instancePath ?? '', schema: schema ?? {} });
        return true;
      },
    });
    this.validate = ajv.compile(schema);
  }

  of(value: unknown): Deprecation[] {
    this.found = [];
    this.validate(value);
    return this.found;
  }
}
