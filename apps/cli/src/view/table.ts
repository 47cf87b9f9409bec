import Table from 'cli-table3';

const borderless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true };

const untrailed = (text: string) => text.replace(/[ \t]+$/gm, '');

/** Aligned columns under headings, without frames, so that it can be copied and cut. */
export function columns(headings: string[], rows: string[][]): string {
  const table = new Table({ chars: borderless, style, head: headings });
  table.push(...rows);
  return untrailed(table.toString());
}

export type Fact = [label: string, value: string | number | null | undefined];

/** `label  value` lines; those without a value are left out. */
export function facts(pairs: Fact[]): string {
  const table = new Table({ chars: borderless, style });
  for (const [label, value] of pairs) {
    if (value !== null && value !== undefined && value !== '') table.push([label, String(value)]);
  }
  return untrailed(table.toString());
}
