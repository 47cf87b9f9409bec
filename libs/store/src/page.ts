/** One page of a list, and where the next one starts; `next` is null on the last page. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** Makes a page out of up to limit + 1 rows: the one too many tells that there is another page. */
export function pageOf<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? keyOf(last) : null };
}
