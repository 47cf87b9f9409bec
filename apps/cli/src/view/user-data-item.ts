import type { UserDataFinding, UserDataItemSummary, UserDataItemView } from '#contract';
import type { Palette } from './palette.js';
import { localTime } from './quantities.js';
import { columns, facts } from './table.js';

export function userDataItemTable(items: UserDataItemSummary[], palette: Palette): string {
  if (items.length === 0)
    return 'The library is empty. Put a part there with: dodai user-data-items put --help\n';
  return columns(
    ['NAME', 'VERSION', 'TYPE', 'TEMPLATE', 'BYTES', 'MADE', 'BY', 'DESCRIPTION'].map((heading) =>
      palette.paint('strong', heading),
    ),
    items.map((item) => [
      item.name,
      String(item.version),
      item.type,
      item.template ? 'yes' : 'no',
      String(item.bytes),
      localTime(item.createdAt),
      item.createdBy,
      item.description,
    ]),
  );
}

export function userDataItemDetails(item: UserDataItemView, palette: Palette): string {
  return facts([
    ['Name', palette.paint('strong', item.name)],
    ['Version', item.version],
    ['Type', item.type],
    ['Template', item.template ? 'yes' : 'no'],
    ['Merge type', item.mergeType ?? '-'],
    ['Description', item.description],
    ['Bytes', item.bytes],
    ['Made', `${localTime(item.createdAt)} by ${item.createdBy}`],
    ['All versions', item.versions.map(({ version }) => version).join(', ')],
  ]);
}

/** Without the part: there is but one. */
export function findingText({ line, path, message }: UserDataFinding): string {
  const place = [line === null ? null : `line ${line}`, path].filter((each) => each !== null).join(', ');
  return place === '' ? message : `${place}: ${message}`;
}
