const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units with three digits that mean something: `164 MB`, `1.25 GB`. */
export function bytes(count: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(count, 1)) / 3));
  return `${Number((count / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** In the time and the manner of the reader. */
export function When({ at }: { at: string }) {
  return <time dateTime={at}>{new Date(at).toLocaleString()}</time>;
}
