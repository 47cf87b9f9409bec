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

/** `none` empties a field that may be empty. */
export const clearable =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value | null =>
    text === 'none' ? null : parse(text);

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
