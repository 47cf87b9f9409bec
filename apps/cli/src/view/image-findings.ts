import type { ImageView } from '#contract';
import type { Palette, Tone } from './palette.js';
import { columns } from './table.js';

type Finding = ImageView['findings'][number];

const tones: Record<Finding['result'], Tone> = { ok: 'good', warning: 'busy', fault: 'bad' };

/** Every requirement with what was found, and below it what to do. */
export function findingsTable({ name, findings }: ImageView, palette: Palette): string {
  if (findings.length === 0) return `Nothing is known of what is in the image ${name}.\n`;
  const row = ({ check, result, message, remedy }: Finding) => [
    palette.paint(tones[result], result),
    check,
    remedy === undefined ? message : `${message}\n${palette.paint('faint', remedy)}`,
  ];
  const headings = ['RESULT', 'REQUIREMENT', 'FOUND'].map((heading) => palette.paint('strong', heading));
  return columns(headings, findings.map(row));
}

/** What is not as it should be, a line each; '' when all is well. */
export function complaints({ findings }: ImageView, palette: Palette): string {
  const lines = findings
    .filter(({ result }) => result !== 'ok')
    .map(({ check, result, message, remedy }) =>
      [
        `${palette.paint(tones[result], result)} ${check}: ${message}`,
        ...(remedy ? [`  ${remedy}`] : []),
      ].join('\n'),
    );
  return lines.length === 0 ? '' : `\n${lines.join('\n')}`;
}
