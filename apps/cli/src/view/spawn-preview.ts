import type { SpawnPreview } from '#contract';
import type { Palette } from './palette.js';
import { columns } from './table.js';

type Way = NonNullable<SpawnPreview['chosen']>['way'];

const how: Record<Way, string> = {
  reuse: 'it waits in the pool, and its OS would be handed over',
  install: 'it would be installed',
  replace: 'it waits in the pool with another image, and would be installed anew',
};

function choiceText({ chosen, alternatives }: SpawnPreview, palette: Palette): string {
  if (!chosen) return `${palette.paint('bad', 'No machine would do')}: a spawn would be refused.`;
  const choice = `${palette.paint('good', chosen.name)} would be chosen: ${how[chosen.way]}.`;
  if (alternatives === 0) return `${choice}\nNo other machine would do.`;
  return `${choice}\n${alternatives === 1 ? 'One other' : `${alternatives} others`} would do too.`;
}

/** What a spawn would choose at this moment, and why it would not take the others. */
export function spawnPreviewText(preview: SpawnPreview, palette: Palette): string {
  const { refused } = preview;
  if (refused.length === 0) return choiceText(preview, palette);
  const table = columns(
    ['MACHINES', 'WHY NOT', 'WHICH'].map((heading) => palette.paint('strong', heading)),
    refused.map(({ reason, count, machines }) => [
      String(count),
      reason,
      [...machines, ...(count > machines.length ? ['…'] : [])].join(', '),
    ]),
  );
  return `${choiceText(preview, palette)}\n\n${table}`;
}
