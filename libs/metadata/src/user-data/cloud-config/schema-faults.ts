import type { ErrorObject } from 'ajv';
import type { Path } from './yaml-text.js';

export interface SchemaFault {
  path: Path;
  /** What to point at: the value, or the key that should not be there. */
  at: 'key' | 'value';
  message: string;
}

/** Before alternatives are weighed: what was expected here, where that is all that is wrong. */
interface Complaint extends SchemaFault {
  expected: string[];
  /** Of the value that was found. */
  found: unknown;
}

const alternatives = new Set(['oneOf', 'anyOf']);

/**
 * What is wrong, told once. Where a value may have several forms, the validator complains of each of them; what counts is the form
 * that came furthest, because that is the one that was meant.
 */
export function schemaFaults(errors: ErrorObject[]): SchemaFault[] {
  const complaints: { error: ErrorObject; complaint: Complaint }[] = [];
  for (const error of errors) {
    const ofForms: Complaint[] = [];
    if (alternatives.has(error.keyword)) {
      while (isWithin(complaints.at(-1)?.error, error)) ofForms.unshift(complaints.pop()!.complaint);
    }
    const told = ofForms.length > 0 ? clearest(ofForms) : [complaintOf(error)];
    complaints.push(
      ...told.map((complaint) => ({ error: { ...error, instancePath: pointer(complaint.path) }, complaint })),
    );
  }
  return merged(complaints.map(({ complaint }) => complaint)).map(inWords);
}

/** The complaints of the forms come before that of the choice between them, and are of the same value or within it. */
function isWithin(earlier: ErrorObject | undefined, choice: ErrorObject): boolean {
  if (earlier === undefined) return false;
  const { instancePath } = choice;
  if (instancePath === '') return earlier.schemaPath.startsWith(choice.schemaPath);
  return earlier.instancePath === instancePath || earlier.instancePath.startsWith(`${instancePath}/`);
}

function clearest(complaints: Complaint[]): Complaint[] {
  const deepest = Math.max(...complaints.map(({ path }) => path.length));
  const told = merged(complaints.filter(({ path }) => path.length === deepest));
  return told.filter(
    (complaint) => complaint.expected.length === 0 || !told.some(isOfFittingForm(complaint)),
  );
}

/** Where one form fits by its type and has another fault, the types of the other forms are beside the point. */
const isOfFittingForm =
  ({ path }: Complaint) =>
  (other: Complaint) =>
    other.expected.length === 0 && pointer(other.path) === pointer(path);

/** What is expected at the same place is one complaint: "must be a list or text". */
function merged(complaints: Complaint[]): Complaint[] {
  const byPlace = new Map<string, Complaint>();
  for (const complaint of complaints) {
    const { path, at, expected, message } = complaint;
    const key = JSON.stringify(expected.length > 0 ? [path, at] : [path, at, message]);
    const before = byPlace.get(key)?.expected ?? [];
    byPlace.set(key, { ...complaint, expected: [...new Set([...before, ...expected])] });
  }
  return [...byPlace.values()];
}

function inWords({ path, at, message, expected, found }: Complaint): SchemaFault {
  if (expected.length === 0) return { path, at, message };
  return { path, at, message: `must be ${listed(alternativesIn(expected))}, and is ${shown(found)}` };
}

/** Where there are names to choose from, nobody needs to hear that they are text. */
function alternativesIn(expected: string[]): string[] {
  const named = expected.some((word) => word.startsWith('"'));
  return named ? expected.filter((word) => word !== typeWords['string']) : expected;
}

function listed(words: string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

const typeWords: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'empty',
};

function shown(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'bigint') return 'a date';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function complaintOf(error: ErrorObject): Complaint {
  const path = pathOf(error);
  const base = { path, at: 'value' as const, found: error.data, expected: [] };
  const word = words[error.keyword];
  const told = word === undefined ? { message: error.message ?? 'does not fit' } : word(error, path);
  return { ...base, message: '', ...told };
}

type Told = Partial<Complaint>;

/** In words, by the keyword of JSON schema. */
const words: Record<string, (error: ErrorObject, path: Path) => Told> = {
  type: ({ params }) => ({ expected: [(params as { type: string | string[] }).type].flat().map(typeWord) }),
  enum: ({ schema }) => ({ expected: (schema as unknown[]).map((value) => JSON.stringify(value)) }),
  const: ({ schema }) => ({ expected: [JSON.stringify(schema)] }),
  required: ({ params }) => ({ message: `needs ${(params as { missingProperty: string }).missingProperty}` }),
  additionalProperties: (error, path) => unknownKey(error, path),
  pattern: ({ schema, data }) => ({ message: `${shown(data)} does not match ${String(schema)}` }),
  format: ({ schema, data }) => ({ message: `${shown(data)} is no ${String(schema)}` }),
  minItems: ({ schema }) => ({ message: `must have at least ${counted(schema, 'entry', 'entries')}` }),
  minProperties: ({ schema }) => ({ message: `must have at least ${counted(schema, 'key', 'keys')}` }),
  uniqueItems: () => ({ message: 'has the same entry twice' }),
  oneOf: () => ({ message: 'fits more than one of the forms that it may have' }),
};

const counted = (count: unknown, one: string, many: string) => `${String(count)} ${count === 1 ? one : many}`;

const typeWord = (type: string) => typeWords[type] ?? type;

function unknownKey({ params, parentSchema }: ErrorObject, path: Path): Told {
  const key = (params as { additionalProperty: string }).additionalProperty;
  const known = Object.keys((parentSchema as { properties?: object }).properties ?? {});
  const hint = known.length === 0 ? '' : `; known are ${known.join(', ')}`;
  return { path: [...path, key], at: 'key', message: `there is no such key${hint}` };
}

/** A number in a pointer is an index in a list, and elsewhere a key that looks like one; both are found by it. */
function pathOf({ instancePath }: ErrorObject): Path {
  const steps = instancePath.split('/').slice(1);
  return steps.map((step) =>
    /^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

const pointer = (path: Path) => path.map((step) => `/${step}`).join('');
