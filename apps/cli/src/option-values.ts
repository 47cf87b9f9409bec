import { InvalidArgumentError } from 'commander';

/** A whole number; the controller knows the bounds of each field. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}

export function seconds(text: string): number {
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is not a number of seconds.');
  return Number(text);
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };

/** A time in ISO 8601, or an age such as `30m`; answers ISO 8601. A time without a zone is local. */
export const timeOrAge =
  (now: () => Date) =>
  (text: string): string => {
    const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    if (count && unit)
      return new Date(now().getTime() - Number(count) * unitMs[unit as keyof typeof unitMs]).toISOString();
    const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : undefined;
    if (!time || Number.isNaN(time.getTime()))
      throw new InvalidArgumentError(
        'It is neither a time such as 2026-01-31T12:00:00Z nor an age such as 2h.',
      );
    return time.toISOString();
  };

/** What stands for null until the options are read: of a parsed null commander makes an empty string. */
const empty = Symbol('empty');

/** `none` empties a field that may be empty; see {@link withNulls}. */
export const clearable =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value | typeof empty =>
    text === 'none' ? empty : parse(text);

/** The options, with null where `none` was said. */
export function withNulls<Options extends object>(options: Options): Options {
  const pairs = Object.entries(options).map(([key, value]) => [key, value === empty ? null : value]);
  return Object.fromEntries(pairs) as Options; // the same keys; null is what their types foresee
}

export const asGiven = (text: string): string => text;

/** Gathers `--label rack=a3 --label row=7`. */
export function keyValue(text: string, all: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It has the form key=value.');
  return { ...all, [text.slice(0, at)]: text.slice(at + 1) };
}

export function repeated(text: string, all: string[] = []): string[] {
  return [...all, text];
}
