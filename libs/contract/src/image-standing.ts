import type { ImageView } from './image.js';

type Result = ImageView['findings'][number]['result'];

/** How an image meets the requirements, in words: `2 faults, 1 warning`; null when nothing was looked at. */
export function imageStanding({ findings }: Pick<ImageView, 'findings'>): string | null {
  if (findings.length === 0) return null;
  const count = (wanted: Result) => findings.filter(({ result }) => result === wanted).length;
  const counted = (['fault', 'warning'] as const)
    .map((result) => [count(result), result] as const)
    .filter(([many]) => many > 0)
    .map(([many, what]) => `${many} ${what}${many === 1 ? '' : 's'}`);
  return counted.length === 0 ? 'all requirements met' : counted.join(', ');
}
