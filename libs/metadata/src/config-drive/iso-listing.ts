import { maxDriveBytes } from './drive-form.js';

/** A line of `ls -l`, as xorriso prints it: what it is, and its size. */
const listed = /^(\S)\S{9}\+?\s+\d+\s+\S+\s+\S+\s+(\d+)\s/;
const maxEntries = 10_000;

/** What is wrong with the entries that an ISO 9660 image lists, as the end of a sentence; null: nothing. */
export function listingFault(listing: string): string | null {
  const lines = listing.split('\n').filter((line) => line !== '');
  if (lines.length > maxEntries) return `has more than ${maxEntries} files`;
  let sum = 0;
  for (const line of lines) {
    const [, kind = '', bytes = ''] = listed.exec(line) ?? [];
    if (kind !== '-' && kind !== 'd')
      return `holds what is neither a file nor a folder: ${line.slice(0, 200)}`;
    sum += Number(bytes);
  }
  return sum > maxDriveBytes ? 'has files that are larger than itself' : null;
}
